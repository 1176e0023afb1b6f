public import Checkpoints
import JSON
import Tensors

/// The discriminator: BERT with embeddings that may be smaller and are then projected up.
///
/// Source: Clark et al. 2020, "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators", §3.
public enum ELECTRA: EncoderFamily {
    public static let modelTypes = ["electra"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let dropout = try file.dropout(
            "classifier_dropout", absent: Double(file.dropout("hidden_dropout_prob", absent: 0.1)))
        var architecture = try BERT.architecture(
            file, prefix: "electra",
            head: HeadArchitecture(
                classPrefix: "Electra", dense: "classifier.dense", activation: .gelu, inputDropout: dropout,
                dropout: dropout, output: "classifier.out_proj"))
        architecture.embeddingSize = try file.size("embedding_size", absent: 128)
        architecture.names.embeddingProjection = "embeddings_project"
        if architecture.embeddingSize != architecture.hiddenSize { architecture.embeddingProjection = .last }
        architecture.maskedHead = MaskedHeadArchitecture(
            file, dense: "generator_predictions.dense", activation: .gelu, norm: "generator_predictions.LayerNorm",
            decoder: "generator_lm_head")
        architecture.pretrainingHeads = [
            "discriminator_predictions.", "generator_predictions.", "generator_lm_head.", "qa_outputs.",
        ]
        // LTP's models for several tasks have the encoder at another place, with their own heads beside it.
        architecture.spellings.otherPrefixes = ["backbone."]
        architecture.pretrainingHeads += ["task_heads."]
        return architecture
    }
}
