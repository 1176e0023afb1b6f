public import Checkpoints
import Embeddings
public import JSON
public import SystemPackage
import Transformer

extension TokenTagger {
    /// Whether a directory's `config.json` names a head for tokens.
    public static func isPublished(in directory: ModelDirectory) throws(CheckpointError) -> Bool {
        guard directory.exists("config.json") else { return false }
        return PublishedHead(try directory.openConfiguration())?.kind == .tokenClassification
    }

    /// In `graft.json`, how tokens become entities where the user does not say.
    static let aggregationKey = "aggregation"

    /// How tokens become entities: as `graft.json` says, else as transformers does by default. What Graft has trained knows
    /// the first token of each word alone.
    public static func aggregation(in directory: ModelDirectory) throws(CheckpointError) -> AggregationStrategy {
        guard let file = try SequenceClassifier.record(in: directory) else { return .simple }
        guard let value = file.object[aggregationKey] else { return .first }
        guard let strategy = value.string.flatMap(AggregationStrategy.init) else {
            throw file.invalid(
                aggregationKey, expected: AggregationStrategy.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return strategy
    }

    /// Writes `config.json`, `model.safetensors`, the tokenizer's own files and `graft.json`: all of them or nothing.
    /// transformers' `AutoModelForTokenClassification` loads the directory.
    ///
    /// - Parameter record: what `graft.json` holds: how the model came about and what it reached.
    public func write(to path: FilePath, record: JSONObject) throws(CheckpointError) {
        let directory = try AtomicDirectory(path)
        let target = directory.temporary
        let object = ClassifierConfiguration.object(
            pretrained.configurationFile.object, labels: labels, problem: nil,
            architecture: encoder.architecture.head.classPrefix + PublishedHead.Kind.tokenClassification.rawValue)
        try JSONFile(target, object: object).write(to: target.appending("config.json"))
        try SafeTensors.write(parameters.map { ($0.name, $0.value) }, to: target.appending("model.safetensors"))
        try pretrained.directory.copy(pretrained.tokenizerFiles, to: target)
        try JSONFile(path, object: record).write(to: target.appending(OpenedAdapter.recordName))
        try directory.commit()
    }
}
