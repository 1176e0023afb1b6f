public import Checkpoints
import JSON
import Tensors

/// JinaBERT v2: BERT with linear biases of attention in place of positions, and gated dense layers.
///
/// Its `model_type` is BERT's; `position_embedding_type` tells them apart.
///
/// Source: Günther et al. 2023, "Jina Embeddings 2: 8192-Token General-Purpose Text Embeddings for Long Documents", §3.1.
public enum JinaBERT: EncoderFamily {
    public static let modelTypes = ["bert"]

    public static func recognizes(_ file: JSONFile) throws(CheckpointError) -> Bool {
        try file.string("model_type") == "bert" && file.object["position_embedding_type"]?.string == "alibi"
    }

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let dropout = try file.dropout("hidden_dropout_prob", absent: 0.1)
        var architecture = try BERT.architecture(
            file, prefix: "bert",
            head: HeadArchitecture(
                classPrefix: "JinaBert", dense: "bert.pooler.dense",
                dropout: file.dropout("classifier_dropout", absent: Double(dropout)), keepsDense: true),
            positionType: "alibi")
        let code = [file.object["auto_map"]?["AutoModel"], file.object["_name_or_path"]].compactMap { $0?.string }
        if let other = code.first(where: { $0.contains("qk-post-norm") }) {
            throw file.invalid(
                "auto_map",
                expected: "jinaai/jina-bert-implementation: the variant \(other) normalizes queries and keys")
        }
        // hidden_act is not read by the gated layers.
        switch file.object["feed_forward_type"]?.string {
        case "geglu": architecture.hiddenAct = .gelu
        case "reglu": architecture.hiddenAct = .relu
        default: throw file.invalid("feed_forward_type", expected: "\"geglu\" or \"reglu\"")
        }
        architecture.learnedPositions = nil
        architecture.relativePositions = .alibi
        architecture.feedForward = .fusedGated(activatedFirst: true)
        architecture.hasFeedForwardBias = false
        architecture.intermediateDropout = dropout
        architecture.outputDropout = 0
        architecture.names.intermediate = "mlp.gated_layers"
        architecture.names.output = "mlp.wo"
        architecture.names.outputNorm = "mlp.layernorm"
        return architecture
    }
}
