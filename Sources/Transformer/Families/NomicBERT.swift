public import Checkpoints
import JSON
import Tensors

/// BERT with rotary positions, gated dense layers and no biases but those of the normalizations.
///
/// Two spellings of the configuration are read: that of the published checkpoints, whose keys are GPT-2's, and that of
/// transformers 5. The tensors have the same names in both.
///
/// Source: Nussbaum et al. 2024, "Nomic Embed: Training a Reproducible Long Context Text Embedder", §3.1.
public enum NomicBERT: EncoderFamily {
    public static let modelTypes = ["nomic_bert"]

    /// The published keys, by those of transformers 5.
    private static let publishedKeys = [
        "hidden_size": "n_embd", "num_attention_heads": "n_head", "num_hidden_layers": "n_layer",
        "intermediate_size": "n_inner", "max_position_embeddings": "n_positions",
        "layer_norm_eps": "layer_norm_epsilon",
        "hidden_dropout_prob": "resid_pdrop", "attention_probs_dropout_prob": "attn_pdrop",
    ]

    public static func architecture(_ file: JSONFile) throws(CheckpointError) -> EncoderArchitecture {
        let isPublished = file.object["n_embd"] != nil
        func key(_ name: String) -> String { isPublished ? publishedKeys[name] ?? name : name }
        let prefix = isPublished ? "bert" : "nomic_bert"
        let hiddenSize = try file.size(key("hidden_size"))
        let heads = try file.size(key("num_attention_heads"))
        let headSize =
            try (file.object["head_dim"] ?? .null) == .null
            ? file.headSize(key("hidden_size"), hiddenSize, key("num_attention_heads"), heads) : file.size("head_dim")
        let dropout = try file.dropout(key("hidden_dropout_prob"), absent: 0)
        var architecture = EncoderArchitecture(
            modelType: try file.string("model_type"),
            vocabSize: try file.size("vocab_size"),
            hiddenSize: hiddenSize,
            embeddingSize: hiddenSize,
            numAttentionHeads: heads,
            headSize: headSize,
            intermediateSize: try file.size(key("intermediate_size"), absent: 4 * hiddenSize),
            maxTokens: try file.size(key("max_position_embeddings"), absent: 2048),
            typeVocabSize: try file.typeVocabSize(absent: 2),
            hiddenAct: .silu,
            normalization: NormalizationKind(epsilon: try file.epsilon(key("layer_norm_eps"), absent: 1e-12)),
            hasAttentionBias: false,
            hasAttentionOutputBias: false,
            hasFeedForwardBias: false,
            hasOutputBias: false,
            feedForward: .gated,
            layerPaths: (0..<(try file.layerCount(key("num_hidden_layers")))).map { "encoder.layers.\($0)" },
            hiddenDropoutProb: dropout,
            attentionProbsDropoutProb: try file.dropout(key("attention_probs_dropout_prob"), absent: 0),
            initializerRange: try file.initializerRange(),
            names: names(prefix),
            spellings: CheckpointSpellings(
                optionalPrefix: prefix + ".", otherPrefixes: [isPublished ? "nomic_bert." : "bert."]),
            pretrainingHeads: ["cls."],
            head: HeadArchitecture(
                classPrefix: "NomicBert", dense: prefix + ".pooler.dense",
                dropout: try file.dropout("classifier_dropout", absent: Double(dropout)), keepsDense: true))
        if isPublished {
            try architecture.readPublishedMembers(file)
        } else {
            architecture.hiddenAct = try file.activation("hidden_act", absent: .silu)
            try file.requireAbsent("rope_scaling")
            architecture.relativePositions = .rotary(
                base: try file.rotaryBase(
                    file.object["rope_parameters"], of: "rope_parameters",
                    absent: file.number("rope_theta", absent: 1000, in: 1...1e12)),
                size: headSize)
        }
        return architecture
    }

    private static func names(_ prefix: String) -> EncoderNames {
        var names = EncoderNames(prefix: prefix)
        names.embeddingNorm = "emb_ln"
        names.fusedProjections = "attn.Wqkv"
        names.attentionOutput = "attn.out_proj"
        names.attentionNorm = "norm1"
        names.intermediate = "mlp.fc12"
        names.gate = "mlp.fc11"
        names.output = "mlp.fc2"
        names.outputNorm = "norm2"
        return names
    }
}

extension EncoderArchitecture {
    /// What only the published configurations say.
    fileprivate mutating func readPublishedMembers(_ file: JSONFile) throws(CheckpointError) {
        for key in ["prenorm", "parallel_block", "causal", "rotary_emb_interleaved", "use_rms_norm", "norm_mlp"] {
            try file.require(key, false)
        }
        try file.requireAbsent("rotary_emb_scale_base")
        try file.requireAbsent("rotary_scaling_factor")
        if let experts = file.object["num_experts"]?.integer, experts > 0 {
            throw file.invalid("num_experts", expected: "0: mixtures of experts are not supported")
        }
        switch file.object["activation_function"]?.string {
        case "swiglu": hiddenAct = .silu
        case "geglu": hiddenAct = .gelu
        default: throw file.invalid("activation_function", expected: "\"swiglu\" or \"geglu\"")
        }
        let multiple = try file.size("pad_vocab_size_multiple", absent: 1)
        vocabSize = (vocabSize + multiple - 1) / multiple * multiple
        hasAttentionBias = try file.flag("qkv_proj_bias", absent: true)
        hasAttentionOutputBias = hasAttentionBias
        hasFeedForwardBias = try file.flag("mlp_fc1_bias", absent: true)
        hasOutputBias = try file.flag("mlp_fc2_bias", absent: true)
        let size = Int(Double(headSize) * (try file.number("rotary_emb_fraction", absent: 0, in: 0...1)))
        guard size > 0, size % 2 == 0 else {
            throw file.invalid("rotary_emb_fraction", expected: "an even part of a head's \(headSize) columns")
        }
        relativePositions = .rotary(base: try file.number("rotary_emb_base", absent: 10_000, in: 1...1e12), size: size)
    }
}
