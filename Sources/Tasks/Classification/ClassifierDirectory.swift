public import Checkpoints
import Embeddings
public import JSON
public import SystemPackage
import Transformer

/// Writing a classifier as a Hugging Face directory.
extension SequenceClassifier {
    /// Writes `config.json`, `model.safetensors`, the tokenizer's own files and `graft.json`: all of them or nothing.
    ///
    /// - Parameter record: what `graft.json` holds: how the model came about and what it reached.
    public func write(to path: FilePath, record: JSONObject) throws(CheckpointError) {
        let directory = try AtomicDirectory(path)
        let target = directory.temporary
        var configuration = configuration.object(
            pretrained.configurationFile.object, classPrefix: encoder.architecture.head.classPrefix)
        if encoder.architecture.hasMeanLayer {
            for key in ["num_hidden_layers", "n_layers"] where configuration[key] != nil {
                configuration[key] = .integer(encoder.architecture.numHiddenLayers)
            }
        }
        try JSONFile(path, object: configuration).write(to: target.appending("config.json"))
        try SafeTensors.write(
            parameters.map { ($0.name, $0.value) }, to: target.appending("model.safetensors"))
        try pretrained.directory.copy(pretrained.tokenizerFiles, to: target)
        try JSONFile(path, object: record).write(to: target.appending(Self.recordName))
        try directory.commit()
    }

    static let recordName = "graft.json"

    /// Takes over what `graft.json` says about the use of the model, where there is one.
    public func applyRecord() throws(CheckpointError) {
        guard pretrained.directory.exists(Self.recordName) else { return }
        let file = try JSONFile(pretrained.directory.path.appending(Self.recordName), purpose: "Graft's own settings")
        maxLength = min(
            encoder.architecture.maxTokens, try file.size("max_length", absent: maxLength))
    }
}
