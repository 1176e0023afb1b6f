public import Checkpoints
import JSON
import Tensors

/// The encoder of T5, of T5 1.1 and of multilingual T5: no places but learned biases for buckets of distances, no scaling of
/// scores, normalization first and without centering. The decoder of a checkpoint is left aside.
///
/// transformers classifies sequences with the decoder. The head here has the layout of its token classification, and what it
/// says is the mean over a sequence.
///
/// Sources: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", §2.1;
/// Xue et al. 2021, "mT5", §3.1; Shazeer 2020, "GLU Variants Improve Transformer", §2.
public enum T5: EncoderFamily {
    public static let modelTypes = ["t5", "mt5"]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let size = try file.size("d_model")
        let dropout = try file.dropout("dropout_rate", absent: 0.1)
        let (activation, feedForward) = try feedForward(file)
        return EncoderArchitecture(
            modelType: try file.string("model_type"),
            vocabSize: try file.size("vocab_size"),
            hiddenSize: size,
            embeddingSize: size,
            numAttentionHeads: try file.size("num_heads"),
            headSize: try file.size("d_kv"),
            intermediateSize: try file.size("d_ff"),
            // Distances have no end. Texts of the pre-training have.
            maxTokens: try file.size("n_positions", absent: 512),
            typeVocabSize: 0,
            normalizesEmbeddings: false,
            hiddenAct: activation,
            normalization: NormalizationKind(
                epsilon: try file.epsilon("layer_norm_epsilon", absent: 1e-6), isCentered: false, hasBias: false),
            isPreNorm: true,
            hasAttentionBias: false,
            hasAttentionOutputBias: false,
            hasFeedForwardBias: false,
            hasOutputBias: false,
            feedForward: feedForward,
            attentionScale: 1,
            relativePositions: try buckets(file),
            layerPaths: (0..<(try file.layerCount("num_layers"))).map { "encoder.block.\($0)" },
            hiddenDropoutProb: dropout,
            intermediateDropout: dropout,
            attentionProbsDropoutProb: dropout,
            finalDropout: dropout,
            initializerRange: try file.initializerRange("initializer_factor", absent: 1) / Float(size).squareRoot(),
            names: names(isGated: feedForward == .gated),
            spellings: CheckpointSpellings(
                optionalPrefix: "transformer.",
                endings: [CheckpointSpellings.Other("shared.weight", "encoder.embed_tokens.weight")]),
            // The words are in many files twice; so are their names.
            pretrainingHeads: ["", "transformer."].flatMap { prefix in
                ["encoder.embed_tokens.", "decoder.", "lm_head."].map { prefix + $0 }
            },
            head: HeadArchitecture(
                classPrefix: "T5Encoder", pooling: .mean, dropout: try file.dropout("classifier_dropout", absent: 0)))
    }

    /// `feed_forward_proj`: the activation's name, behind `gated-` where there are two matrices.
    private static func feedForward(_ file: JSONFile) throws(CheckpointError) -> (Activation, FeedForwardKind) {
        let key = "feed_forward_proj"
        let name = file.object[key]?.string ?? (file.object["model_type"] == .string("mt5") ? "gated-gelu" : "relu")
        let isGated = name.hasPrefix("gated-")
        let inner = isGated ? String(name.dropFirst("gated-".count)) : name
        // transformers means the approximation here, and here alone.
        let activation = name == "gated-gelu" ? .geluNew : Activation(configurationName: inner)
        guard let activation else { throw file.invalid(key, expected: "an activation, or gated- and an activation") }
        return (activation, isGated ? .gated : .plain)
    }

    /// Half of the buckets is for each direction, and half of those for distances of their own.
    private static func buckets(_ file: JSONFile) throws(CheckpointError) -> RelativePositions {
        let count = try file.size("relative_attention_num_buckets", absent: 32)
        guard count >= 4, count.isMultiple(of: 2) else {
            throw file.invalid("relative_attention_num_buckets", expected: "an even number from 4 on")
        }
        let distance = try file.size("relative_attention_max_distance", absent: 128)
        guard distance > count / 4 else {
            throw file.invalid("relative_attention_max_distance", expected: "more than \(count / 4)")
        }
        return .buckets(count: count, maxDistance: distance)
    }

    private static func names(isGated: Bool) -> EncoderNames {
        var names = EncoderNames(prefix: "transformer")
        names.wordEmbeddings = "shared"
        names.relativeBias = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias"
        names.finalNorm = "encoder.final_layer_norm"
        names.query = "layer.0.SelfAttention.q"
        names.key = "layer.0.SelfAttention.k"
        names.value = "layer.0.SelfAttention.v"
        names.attentionOutput = "layer.0.SelfAttention.o"
        names.attentionNorm = "layer.0.layer_norm"
        names.intermediate = "layer.1.DenseReluDense." + (isGated ? "wi_0" : "wi")
        names.gate = "layer.1.DenseReluDense.wi_1"
        names.output = "layer.1.DenseReluDense.wo"
        names.outputNorm = "layer.1.layer_norm"
        (names.attentionAdapters, names.outputAdapters) = ("layer.0", "layer.1")
        return names
    }
}
