public import Checkpoints
import JSON
import Tensors

/// BERT without token types and pooler, with configuration keys of its own.
///
/// Source: Sanh et al. 2019, "DistilBERT, a distilled version of BERT", §3.
public enum DistilBERT: EncoderFamily {
    public static let modelTypes = ["distilbert"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let size = try file.size("dim")
        let heads = try file.size("n_heads")
        let positions = LearnedPositions(count: try file.size("max_position_embeddings"))
        var names = EncoderNames(prefix: "distilbert")
        names.query = "attention.q_lin"
        names.key = "attention.k_lin"
        names.value = "attention.v_lin"
        names.attentionOutput = "attention.out_lin"
        names.attentionNorm = "sa_layer_norm"
        names.intermediate = "ffn.lin1"
        names.output = "ffn.lin2"
        names.outputNorm = "output_layer_norm"
        return EncoderArchitecture(
            modelType: try file.string("model_type"),
            vocabSize: try file.size("vocab_size"),
            hiddenSize: size,
            embeddingSize: size,
            numAttentionHeads: heads,
            headSize: try file.headSize("dim", size, "n_heads", heads),
            intermediateSize: try file.size("hidden_dim"),
            maxTokens: positions.maxTokens,
            learnedPositions: positions,
            typeVocabSize: 0,
            hiddenAct: try file.activation("activation"),
            normalization: NormalizationKind(epsilon: 1e-12),
            layerPaths: (0..<(try file.layerCount("n_layers"))).map { "transformer.layer.\($0)" },
            hiddenDropoutProb: try file.dropout("dropout", absent: 0.1),
            attentionProbsDropoutProb: try file.dropout("attention_dropout", absent: 0.1),
            initializerRange: try file.initializerRange(),
            names: names,
            spellings: CheckpointSpellings(
                optionalPrefix: "distilbert.",
                endings: CheckpointSpellings.gammaAndBeta),
            pretrainingHeads: ["vocab_transform.", "vocab_layer_norm.", "vocab_projector.", "qa_outputs."],
            head: HeadArchitecture(
                classPrefix: "DistilBert", dense: "pre_classifier", activation: .relu,
                dropout: try file.dropout("seq_classif_dropout", absent: 0.2)),
            maskedHead: MaskedHeadArchitecture(
                file, dense: "vocab_transform", activation: try file.activation("activation"), norm: "vocab_layer_norm",
                decoder: "vocab_projector"))
    }
}
