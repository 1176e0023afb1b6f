public import Checkpoints
import JSON
import Tensors

/// An encoder that normalizes first, with rotary positions, gated dense layers, no biases, and attention to near tokens in
/// two layers of three.
///
/// Source: Warner et al. 2024, "Smarter, Better, Faster, Longer: A Modern Bidirectional Encoder", §2.1.
public enum ModernBERT: EncoderFamily {
    public static let modelTypes = ["modernbert"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let hiddenSize = try file.size("hidden_size")
        let heads = try file.size("num_attention_heads")
        let headSize = try file.headSize("hidden_size", hiddenSize, "num_attention_heads", heads)
        let layers = try file.layerCount("num_hidden_layers")
        let bases = try rotaryBases(file)
        let attentionDropout = try file.dropout("attention_dropout", absent: 0)
        let hasAttentionBias = try file.flag("attention_bias", absent: false)
        let hasFeedForwardBias = try file.flag("mlp_bias", absent: false)
        return EncoderArchitecture(
            modelType: try file.string("model_type"),
            vocabSize: try file.size("vocab_size"),
            hiddenSize: hiddenSize,
            embeddingSize: hiddenSize,
            numAttentionHeads: heads,
            headSize: headSize,
            intermediateSize: try file.size("intermediate_size"),
            maxTokens: try file.size("max_position_embeddings", absent: 8192),
            typeVocabSize: 0,
            hiddenAct: try file.activation("hidden_activation"),
            normalization: NormalizationKind(
                epsilon: try file.epsilon("norm_eps", absent: 1e-5),
                hasBias: try file.flag("norm_bias", absent: false)),
            isPreNorm: true,
            normalizesFirstInput: false,
            hasAttentionBias: hasAttentionBias,
            hasAttentionOutputBias: hasAttentionBias,
            hasFeedForwardBias: hasFeedForwardBias,
            hasOutputBias: hasFeedForwardBias,
            feedForward: .fusedGated(activatedFirst: true),
            relativePositions: .rotary(base: bases.global, size: headSize),
            localAttention: LocalAttention(
                window: try file.size("local_attention", absent: 128) / 2, rotaryBase: bases.local,
                layers: try localLayers(file, of: layers)),
            layerPaths: (0..<layers).map { "layers.\($0)" },
            hiddenDropoutProb: try file.dropout("embedding_dropout", absent: 0),
            attentionOutputDropout: attentionDropout,
            outputDropout: 0,
            intermediateDropout: try file.dropout("mlp_dropout", absent: 0),
            attentionProbsDropoutProb: attentionDropout,
            initializerRange: try file.initializerRange(),
            names: names,
            spellings: CheckpointSpellings(optionalPrefix: "model."),
            pretrainingHeads: ["decoder."],
            head: try head(file))
    }

    private static var names: EncoderNames {
        var names = EncoderNames(prefix: "model")
        names.wordEmbeddings = "embeddings.tok_embeddings"
        names.embeddingNorm = "embeddings.norm"
        names.finalNorm = "final_norm"
        names.fusedProjections = "attn.Wqkv"
        names.attentionOutput = "attn.Wo"
        names.attentionNorm = "attn_norm"
        names.intermediate = "mlp.Wi"
        names.output = "mlp.Wo"
        names.outputNorm = "mlp_norm"
        return names
    }

    /// The dense layer and the normalization come from pre-training, where they stand before the decoder.
    private static func head(_ file: JSONFile) throws(CheckpointError) -> HeadArchitecture {
        var head = HeadArchitecture(
            classPrefix: "ModernBert", dense: "head.dense",
            denseHasBias: try file.flag("classifier_bias", absent: false),
            activation: try file.activation("classifier_activation"), norm: "head.norm",
            dropout: try file.dropout("classifier_dropout", absent: 0), keepsDense: true)
        head.isSameForTokens = true
        switch file.object["classifier_pooling"]?.string ?? "cls" {
        case "cls": head.pooling = .first
        case "mean": head.pooling = .mean
        default: throw file.invalid("classifier_pooling", expected: "\"cls\" or \"mean\"")
        }
        return head
    }

    /// Of transformers 5, a list; before, every n-th layer attends to all tokens.
    private static func localLayers(_ file: JSONFile, of count: Int) throws(CheckpointError) -> Set<Int> {
        guard let types = file.object["layer_types"], types != .null else {
            let step = try file.size("global_attn_every_n_layers", absent: 3)
            return Set((0..<count).filter { $0 % step != 0 })
        }
        let names = (types.array ?? []).compactMap(\.string)
        guard names.count == count, names.allSatisfy({ ["full_attention", "sliding_attention"].contains($0) }) else {
            throw file.invalid(
                "layer_types", expected: "\"full_attention\" or \"sliding_attention\" for each of \(count) layers")
        }
        return Set(names.indices.filter { names[$0] == "sliding_attention" })
    }

    private static func rotaryBases(_ file: JSONFile) throws(CheckpointError) -> (global: Double, local: Double) {
        try file.requireAbsent("rope_scaling")
        func base(_ type: String, _ key: String, absent: Double) throws(CheckpointError) -> Double {
            // A null here has meant different things.
            if file.object[key] == .null { throw file.invalid(key, expected: "a positive number") }
            return try file.rotaryBase(
                file.object["rope_parameters"]?[type], of: "rope_parameters",
                absent: file.number(key, absent: absent, in: 1...1e12))
        }
        return (
            try base("full_attention", "global_rope_theta", absent: 160_000),
            try base("sliding_attention", "local_rope_theta", absent: 10_000)
        )
    }
}
