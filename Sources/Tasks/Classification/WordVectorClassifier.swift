public import Checkpoints
public import Embeddings
import JSON
public import SystemPackage
public import Tensors

/// A linear classifier on word vectors: fastText's own model, as a file or with what Graft says about it in a directory.
public final class WordVectorClassifier: TextClassifier {
    /// The model's file in a directory, as the hub's repositories of fastText models call it.
    public static let modelName = "model.bin"

    public let problem: ProblemType
    public var threshold: Float = 0.5
    public var temperature: Float = 1
    let model: FastTextClassifier
    let splitting: WordSplitting

    public var labels: [String] { model.labels }
    public var scoring: ScoreFunction { model.isOneVersusAll ? .sigmoid : .softmax }
    public var givesScore: Bool { false }
    public var acceptsPairs: Bool { false }

    /// Whether a directory holds such a model.
    public static func isPublished(in directory: ModelDirectory) -> Bool {
        directory.exists(modelName) && !directory.exists("config.json")
    }

    /// - Parameter path: a model of fastText's, or a directory with one; without a word about it, words stand between blanks.
    public convenience init(_ path: FilePath) throws(ModelError) {
        let directory = ModelDirectory(path)
        let isDirectory = directory.exists(Self.modelName)
        let record = try loading { () throws(CheckpointError) in try SequenceClassifier.record(in: directory) }
        try self.init(isDirectory ? path.appending(Self.modelName) : path, record: record)
    }

    private init(_ file: FilePath, record: JSONFile?) throws(ModelError) {
        do { model = try FastTextClassifier(file) } catch { throw .wordVectors(error) }
        problem = model.isOneVersusAll ? .multiLabel : .singleLabel
        var rule = WordSplitting.Rule.blanks
        if let record {
            if let name = record.object[Self.ruleKey], name != .null {
                guard let known = name.string.flatMap(WordSplitting.Rule.init) else {
                    let names = WordSplitting.Rule.allCases.map(\.rawValue).joined(separator: ", ")
                    throw .checkpoint(record.invalid(Self.ruleKey, expected: "one of \(names)"))
                }
                rule = known
            }
            temperature = try loading { () throws(CheckpointError) in try record.temperature() } ?? 1
        }
        do { splitting = try WordSplitting(rule) } catch { throw .tokenizer(error) }
    }

    public func logits(of inputs: [InputText]) -> Tensor {
        let rows = UsableItems.map(inputs) { model.logits(splitting.words(of: $0.text)) }
        return Tensor([inputs.count, labels.count], rows.flatMap { $0 })
    }

    /// In `graft.json`, how texts become words.
    static let ruleKey = "words"
}
