public import Checkpoints
import JSON
import Tensors

/// BERT with rotary positions and gated dense layers: `new` in the published checkpoints, `gte` in those of transformers 5.
/// The tensors have the same names in both.
///
/// Source: Zhang et al. 2024, "mGTE: Generalized Long-Context Text Representation and Reranking Models for Multilingual Text
/// Retrieval", §3.1.
public enum GTE: EncoderFamily {
    public static let modelTypes = ["new", "gte"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let type = try file.string("model_type")
        let dropout = try file.dropout("hidden_dropout_prob", absent: 0.1)
        var architecture = try BERT.architecture(
            file, prefix: type,
            head: HeadArchitecture(
                classPrefix: type == "new" ? "New" : "Gte", dense: type + ".pooler.dense",
                dropout: file.dropout("classifier_dropout", absent: Double(dropout)), keepsDense: true),
            positionType: "rope")
        if let norm = file.object["layer_norm_type"]?.string, norm != "layer_norm" {
            throw file.invalid("layer_norm_type", expected: "\"layer_norm\"")
        }
        try file.require("logn_attention_scale", false)
        architecture.learnedPositions = nil
        architecture.maskedHead = nil
        architecture.typeVocabSize = try file.typeVocabSize(absent: 1)
        architecture.relativePositions = try rotary(file, size: architecture.headSize)
        architecture.feedForward = .fusedGated(activatedFirst: false)
        architecture.hasFeedForwardBias = false
        architecture.intermediateDropout = dropout
        architecture.attentionProbsDropoutProb = try file.dropout("attention_probs_dropout_prob", absent: 0)
        architecture.spellings.otherPrefixes = [type == "new" ? "gte." : "new."]
        architecture.names.query = "attention.q_proj"
        architecture.names.key = "attention.k_proj"
        architecture.names.value = "attention.v_proj"
        architecture.names.fusedProjections = try file.flag("pack_qkv", absent: true) ? "attention.qkv_proj" : nil
        architecture.names.attentionOutput = "attention.o_proj"
        architecture.names.attentionNorm = "attn_ln"
        architecture.names.intermediate = "mlp.up_gate_proj"
        architecture.names.output = "mlp.down_proj"
        architecture.names.outputNorm = "mlp_ln"
        return architecture
    }

    private static func rotary(_ file: JSONFile, size: Int) throws(CheckpointError) -> RelativePositions {
        let absent: Double = try file.string("model_type") == "new" ? 10_000 : 160_000
        let base = try file.rotaryBase(
            file.object["rope_parameters"], of: "rope_parameters",
            absent: file.number("rope_theta", absent: absent, in: 1...1e12))
        guard let scaling = file.object["rope_scaling"], scaling != .null else {
            return .rotary(base: base, size: size)
        }
        guard (scaling["type"] ?? scaling["rope_type"])?.string == "ntk",
            scaling["mixed_b"] == nil || scaling["mixed_b"] == .null, let factor = scaling["factor"]?.number, factor > 1
        else {
            throw file.invalid("rope_scaling", expected: "null, or type \"ntk\" with a factor above 1, without mixed_b")
        }
        return .rotary(base: base, size: size, ntkFactor: factor)
    }
}
