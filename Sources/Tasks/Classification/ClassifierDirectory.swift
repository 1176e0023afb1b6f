public import Checkpoints
import Embeddings
public import JSON
public import SystemPackage
import Transformer

/// Writing a classifier as a Hugging Face directory.
extension SequenceClassifier {
    /// Writes `config.json`, `model.safetensors`, the tokenizer's own files and `graft.json`: all of them or nothing. Of a
    /// classifier with an adapter, PEFT's files in place of the first two, or AdapterHub's.
    ///
    /// - Parameter record: what `graft.json` holds: how the model came about and what it reached.
    public func write(to path: FilePath, record: JSONObject) throws(CheckpointError) {
        try write(to: path, record: record, as: adapter)
    }

    /// Writes the model itself, whose weights have taken the adapter in.
    func writeMerged(
        to path: FilePath, record: JSONObject, isCancelled: () -> Bool
    ) throws(CheckpointError) {
        var record = record
        for key in [OpenedAdapter.baseHashKey, "labels", "problem_type"] { record[key] = nil }
        try write(to: path, record: record, as: nil, isCancelled: isCancelled)
    }

    private func write(
        to path: FilePath, record: JSONObject, as adapter: AttachedAdapter?, isCancelled: () -> Bool = { false }
    ) throws(CheckpointError) {
        let directory = try AtomicDirectory(path)
        let target = directory.temporary
        var record = record
        if let kind = encoder.activeAdapter?.configuration, kind.isBottleneck {
            try AdapterHubFiles(encoder.architecture, baseModel: pretrained.directory.name).writeActive(
                of: encoder, head, labels: labels, problem == .multiLabel ? .multiLabel : .classification, to: target)
            record[OpenedAdapter.baseHashKey] = .string(try pretrained.directory.weightsHash())
            record["problem_type"] = .string(problem.rawValue)
        } else if let adapter {
            try write(adapter, to: target)
            record[OpenedAdapter.baseHashKey] = .string(try pretrained.directory.weightsHash())
            record["labels"] = .array(labels.map { .string($0) })
            record["problem_type"] = .string(problem.rawValue)
        } else {
            try writeModel(to: target)
        }
        try pretrained.directory.copy(pretrained.tokenizerFiles, to: target)
        try JSONFile(path, object: record).write(to: target.appending(Self.recordName))
        try directory.commit(isCancelled: isCancelled)
    }

    private func write(_ adapter: AttachedAdapter, to target: FilePath) throws(CheckpointError) {
        let object = adapter.settings.object(adapter.adapter, encoder.architecture)
        try JSONFile(target, object: object).write(to: target.appending("adapter_config.json"))
        try SafeTensors.write(PEFTWeights.tensors(adapter.adapter), to: target.appending("adapter_model.safetensors"))
    }

    private func writeModel(to target: FilePath) throws(CheckpointError) {
        var configuration = ClassifierConfiguration.object(
            pretrained.configurationFile.object, labels: labels, problem: problem,
            architecture: encoder.architecture.head.classPrefix + PublishedHead.Kind.sequenceClassification.rawValue)
        if encoder.architecture.hasMeanLayer {
            for key in ["num_hidden_layers", "n_layers"] where configuration[key] != nil {
                configuration[key] = .integer(encoder.architecture.numHiddenLayers)
            }
        }
        try JSONFile(target, object: configuration).write(to: target.appending("config.json"))
        try SafeTensors.write(
            modelParameters.map { ($0.name, $0.value) }, to: target.appending("model.safetensors"))
    }

    static let recordName = OpenedAdapter.recordName

    /// What Graft wrote in a directory about its model, where it did.
    static func record(in directory: ModelDirectory) throws(CheckpointError) -> JSONFile? {
        guard directory.exists(recordName) else { return nil }
        return try JSONFile(directory.path.appending(recordName), purpose: "Graft's own settings")
    }

    /// Takes over what `graft.json` says about the use of the model, where there is one.
    public func applyRecord() throws(CheckpointError) {
        guard let file = try Self.record(in: directory) else { return }
        maxLength = min(
            encoder.maxTokens, try file.size("max_length", absent: maxLength))
        temperature = try file.temperature() ?? temperature
    }
}

extension JSONFile {
    /// The temperature that was fitted to a dev set, where there was one.
    func temperature() throws(CheckpointError) -> Float? {
        guard let value = object["calibration"]?["temperature"], value != .null else { return nil }
        guard let temperature = value.number, temperature.isFinite, temperature >= 0.01, temperature <= 100 else {
            throw invalid("calibration.temperature", expected: "a number from 0.01 to 100")
        }
        return Float(temperature)
    }
}
