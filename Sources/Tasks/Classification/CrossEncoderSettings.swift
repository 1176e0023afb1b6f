import Checkpoints
import JSON
import SystemPackage

/// What sentence-transformers writes beside a `CrossEncoder`: the function of its outputs.
///
/// Since version 4 it is in `config.json` under `sentence_transformers`, before that under
/// `sbert_ce_default_activation_function`; version 6 has it in `config_sentence_transformers.json`.
struct CrossEncoderSettings {
    static let configurationKeys = ["sentence_transformers", "sbert_ce_default_activation_function"]
    private static let ownName = "config_sentence_transformers.json"

    private let activation: String?

    /// - Returns: `nil` where the model is no `CrossEncoder`.
    /// - Throws: where its function is none of sigmoid and identity.
    init?(_ file: JSONFile, in directory: ModelDirectory) throws(CheckpointError) {
        if let settings = file.object["sentence_transformers"]?.object {
            try self.init(settings["activation_fn"], file, key: "sentence_transformers.activation_fn")
        } else if let value = file.object["sbert_ce_default_activation_function"] {
            try self.init(value, file, key: "sbert_ce_default_activation_function")
        } else if directory.exists(Self.ownName) {
            let own = try JSONFile(
                directory.path.appending(Self.ownName), purpose: "sentence-transformers' settings")
            guard own.object["model_type"]?.string == "CrossEncoder" else { return nil }
            try self.init(own.object["activation_fn"], own, key: "activation_fn")
        } else {
            return nil
        }
    }

    private init(_ value: JSON?, _ file: JSONFile, key: String) throws(CheckpointError) {
        // A path in torch: `torch.nn.modules.activation.Sigmoid`.
        activation = value?.string?.split(separator: ".").last.map(String.init)
        guard [nil, "Sigmoid", "Identity"].contains(activation) else {
            throw .invalidValue(
                file.path, key: key, found: value?.string.map { "\"\($0)\"" },
                expected: "Sigmoid or Identity of torch.nn")
        }
    }

    /// One output has a sigmoid unless the file says otherwise. Of several sentence-transformers shows the logits, which
    /// here become probabilities; the order is the same.
    func scoring(labels: Int) -> ScoreFunction {
        switch activation {
        case "Sigmoid": .sigmoid
        case "Identity": labels == 1 ? .identity : .softmax
        default: labels == 1 ? .sigmoid : .softmax
        }
    }
}
