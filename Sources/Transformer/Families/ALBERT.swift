public import Checkpoints
import JSON
import Tensors

/// BERT with small embeddings that are projected up, and layers that share their parameters.
///
/// Source: Lan et al. 2020, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations", §3.1.
public enum ALBERT: EncoderFamily {
    public static let modelTypes = ["albert"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        var architecture = try BERT.architecture(
            file, prefix: "albert",
            head: HeadArchitecture(
                classPrefix: "Albert", dense: "albert.pooler",
                dropout: file.dropout("classifier_dropout_prob", absent: 0.1), keepsDense: true))
        architecture.hiddenAct = try file.activation("hidden_act", absent: .geluNew)
        architecture.hiddenDropoutProb = try file.dropout("hidden_dropout_prob", absent: 0)
        architecture.attentionProbsDropoutProb = try file.dropout("attention_probs_dropout_prob", absent: 0)
        architecture.embeddingSize = try file.size("embedding_size", absent: 128)
        architecture.layerPaths = try layerPaths(file, layers: architecture.numHiddenLayers)
        architecture.names.embeddingProjection = "encoder.embedding_hidden_mapping_in"
        // The projection is there whatever the sizes.
        architecture.embeddingProjection = .last
        architecture.names.query = "attention.query"
        architecture.names.key = "attention.key"
        architecture.names.value = "attention.value"
        architecture.names.attentionOutput = "attention.dense"
        architecture.names.attentionNorm = "attention.LayerNorm"
        architecture.names.intermediate = "ffn"
        architecture.names.output = "ffn_output"
        architecture.names.outputNorm = "full_layer_layer_norm"
        architecture.names.attentionAdapters = "attention.attention_adapters"
        architecture.names.outputAdapters = "output_adapters"
        architecture.maskedHead = MaskedHeadArchitecture(
            file, dense: "predictions.dense", activation: architecture.hiddenAct, norm: "predictions.LayerNorm",
            decoder: "predictions.decoder", tiedBias: "predictions")
        architecture.pretrainingHeads = ["predictions.", "sop_classifier.", "qa_outputs."]
        return architecture
    }

    /// Layers of one group share the parameters of the group's inner layers.
    private static func layerPaths(_ file: JSONFile, layers: Int) throws(CheckpointError) -> [String] {
        let groups = try file.size("num_hidden_groups", absent: 1)
        let isOne = (file.object["inner_group_num"] ?? .null) == .null
        let inner = isOne ? 1 : try file.layerCount("inner_group_num")
        guard groups <= layers else {
            throw file.invalid("num_hidden_groups", expected: "at most num_hidden_layers (\(layers))")
        }
        guard layers * inner <= 10_000 else {
            throw file.invalid("inner_group_num", expected: "at most 10000 layers in all")
        }
        return (0..<layers).flatMap { layer in
            // In the reference's arithmetic: layers over layers per group, which need not be whole.
            let group = Int(Double(layer) / (Double(layers) / Double(groups)))
            return (0..<inner).map { "encoder.albert_layer_groups.\(group).albert_layers.\($0)" }
        }
    }
}
