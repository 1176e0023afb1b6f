public import Checkpoints
import JSON
import SystemPackage
import Tensors

/// A prediction head of AdapterHub's library: a flexible one, of one or two layers, or transformers' own.
///
/// Source: adapters 1.3, `PredictionHead.build` and `PredictionHeadLoader`.
public struct AdapterHubHead: Sendable {
    public enum Problem: Equatable, Sendable {
        case classification
        case multiLabel
    }

    public let problem: Problem
    /// In the order of the logits.
    public let labels: [String]
    public let weights: any TensorArchive
    private let kind: Kind

    private enum Kind: Sendable {
        /// Dropout, then a dense layer with an activation and dropout where there are two layers, and the logits.
        case flexible(name: String, layers: Int, activation: Activation, usesPooler: Bool, dropout: Float?)
        /// Under transformers' names.
        case published
    }

    static let configurationName = "head_config.json"
    static let weightNames = ["model_head.safetensors", "pytorch_model_head.bin"]

    /// - Returns: `nil` where there is none.
    init?(_ directory: ModelDirectory) throws(CheckpointError) {
        guard directory.exists(Self.configurationName) else { return nil }
        let file = try JSONFile(directory.path.appending(Self.configurationName), purpose: "a head's settings")
        weights = try directory.open(directory.file(Self.weightNames, purpose: "the head's weights"))
        guard let object = file.object["config"]?.object else {
            let modelClass = try file.string("model_class")
            guard modelClass.hasSuffix("ForSequenceClassification") else {
                throw file.invalid("model_class", expected: "a ForSequenceClassification")
            }
            (problem, kind) = (.classification, .published)
            labels = try Self.labels(file, count: file.object["num_labels"]?.integer)
            return
        }
        let inner = JSONFile(file.path, object: object)
        switch object["head_type"]?.string {
        case "classification": problem = .classification
        case "multilabel_classification": problem = .multiLabel
        default: throw inner.invalid("head_type", expected: "\"classification\" or \"multilabel_classification\"")
        }
        labels = try Self.labels(inner, count: try inner.size("num_labels"))
        try inner.require("bias", true)
        let layers = try inner.size("layers")
        let usesPooler = try inner.flag("use_pooler", absent: false)
        guard layers == 1 || layers == 2 && !usesPooler else {
            throw inner.invalid("layers", expected: "1, or 2 without use_pooler")
        }
        var activation = Activation.tanh
        if layers == 2 {
            guard let found = object["activation_function"]?.string.flatMap(Activation.init(configurationName:)) else {
                throw inner.invalid("activation_function", expected: "an activation, where there are two layers")
            }
            activation = found
        }
        let dropout = object["dropout_prob"] == .null ? nil : try inner.dropout("dropout_prob", absent: 0.1)
        kind = .flexible(
            name: try file.string("name"), layers: layers, activation: activation, usesPooler: usesPooler,
            dropout: dropout)
    }

    /// The names of `label2id`, or `LABEL_0` and so on.
    private static func labels(_ file: JSONFile, count: Int?) throws(CheckpointError) -> [String] {
        guard let ids = file.object["label2id"]?.object else {
            guard let count, count <= 1 << 20 else { throw file.invalid("num_labels", expected: "a positive integer") }
            return (0..<count).map { "LABEL_\($0)" }
        }
        var labels = [String?](repeating: nil, count: ids.members.count)
        for member in ids.members {
            guard let index = member.value.integer, labels.indices.contains(index), labels[index] == nil else {
                throw file.invalid("label2id", expected: "a label for each number from 0 on")
            }
            labels[index] = member.key
        }
        guard !labels.isEmpty, count == nil || count == labels.count else {
            throw file.invalid("label2id", expected: "as many labels as num_labels says")
        }
        return labels.compactMap { $0 }
    }

    /// What it is made of on an encoder, under the names of its own tensors.
    public func architecture(_ encoder: EncoderArchitecture) -> HeadArchitecture {
        guard case .flexible(let name, let layers, let activation, let usesPooler, let dropout) = kind else {
            var head = encoder.head
            // What is the encoder's in published models may have learned.
            if let dense = head.dense, weights[dense + ".weight"] != nil { head.keepsDense = false }
            return head
        }
        var head = encoder.head
        let probability = dropout ?? encoder.head.dropout
        (head.pooling, head.norm, head.dropout) = (.first, nil, probability)
        head.output = "heads.\(name).\(layers == 2 ? 4 : 1)"
        if usesPooler { return head }
        (head.keepsDense, head.denseHasBias) = (false, true)
        (head.dense, head.activation) = (layers == 2 ? "heads.\(name).1" : nil, activation)
        head.inputDropout = layers == 2 ? probability : 0
        return head
    }
}
