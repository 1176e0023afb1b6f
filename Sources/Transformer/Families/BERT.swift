public import Checkpoints
import JSON
import Tensors

/// Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".
public enum BERT: EncoderFamily {
    public static let modelTypes = ["bert"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let dropout = try file.dropout("hidden_dropout_prob", absent: 0.1)
        return try architecture(
            file, prefix: "bert",
            head: HeadArchitecture(
                classPrefix: "Bert", dense: "bert.pooler.dense",
                dropout: file.dropout("classifier_dropout", absent: Double(dropout)), keepsDense: true))
    }

    /// What BERT and its descendants share; they change what they have otherwise.
    ///
    /// - Parameter positionType: what `position_embedding_type` must be, where it is there.
    static func architecture(
        _ file: JSONFile, prefix: String, head: HeadArchitecture, positionType: String = "absolute"
    ) throws(CheckpointError) -> EncoderArchitecture {
        if let positions = file.object["position_embedding_type"]?.string, positions != positionType {
            throw file.invalid("position_embedding_type", expected: "\"\(positionType)\"")
        }
        let hiddenSize = try file.size("hidden_size")
        let heads = try file.size("num_attention_heads")
        let positions = LearnedPositions(count: try file.size("max_position_embeddings"))
        return EncoderArchitecture(
            modelType: try file.string("model_type"),
            vocabSize: try file.size("vocab_size"),
            hiddenSize: hiddenSize,
            embeddingSize: hiddenSize,
            numAttentionHeads: heads,
            headSize: try file.headSize("hidden_size", hiddenSize, "num_attention_heads", heads),
            intermediateSize: try file.size("intermediate_size"),
            maxTokens: positions.maxTokens,
            learnedPositions: positions,
            typeVocabSize: try file.typeVocabSize(absent: 2),
            hiddenAct: try file.activation("hidden_act"),
            normalization: NormalizationKind(epsilon: try file.epsilon("layer_norm_eps", absent: 1e-12)),
            layerPaths: (0..<(try file.layerCount("num_hidden_layers"))).map { "encoder.layer.\($0)" },
            hiddenDropoutProb: try file.dropout("hidden_dropout_prob", absent: 0.1),
            attentionProbsDropoutProb: try file.dropout("attention_probs_dropout_prob", absent: 0.1),
            initializerRange: try file.initializerRange(),
            names: names(prefix),
            spellings: CheckpointSpellings(
                optionalPrefix: prefix + ".",
                endings: CheckpointSpellings.gammaAndBeta),
            pretrainingHeads: ["cls.", "lm_head.", "qa_outputs."],
            head: head,
            maskedHead: MaskedHeadArchitecture(
                file, dense: "cls.predictions.transform.dense", activation: try file.activation("hidden_act"),
                norm: "cls.predictions.transform.LayerNorm",
                decoder: "cls.predictions.decoder", tiedBias: "cls.predictions"))
    }

    private static func names(_ prefix: String) -> EncoderNames {
        var names = EncoderNames(prefix: prefix)
        (names.attentionAdapters, names.outputAdapters) = ("attention.output", "output")
        return names
    }
}
