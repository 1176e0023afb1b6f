public import Tensors

/// What shapes an encoder, in one form for all families: a family's file makes it of its `config.json`.
///
/// Properties that families share have the names that BERT's configuration gives them.
public struct EncoderArchitecture: Equatable, Sendable {
    /// `config.json`'s `model_type`.
    public var modelType: String

    // MARK: Sizes

    public var vocabSize: Int
    public var hiddenSize: Int
    /// Of the tables; where words alone are projected, of theirs.
    public var embeddingSize: Int
    public var numAttentionHeads: Int
    public var headSize: Int
    public var intermediateSize: Int
    /// The longest sequence, in tokens.
    public var maxTokens: Int

    // MARK: Embeddings

    /// A table of vectors for the places of a sequence, added to the words.
    public var learnedPositions: LearnedPositions?
    /// 0 where there is no table of token types.
    public var typeVocabSize: Int
    public var normalizesEmbeddings = true
    /// Where rows of `embeddingSize` become rows of `hiddenSize`.
    public var embeddingProjection = EmbeddingProjection.none

    // MARK: Layers

    public var hiddenAct: Activation
    public var normalization: NormalizationKind
    /// Whether a layer's halves normalize what they read (pre-norm) instead of the sum they leave (post-norm).
    ///
    /// Source: Xiong et al. 2020, "On Layer Normalization in the Transformer Architecture", figure 1.
    public var isPreNorm = false
    /// Of pre-norm layers, whether the first one normalizes what attention reads.
    public var normalizesFirstInput = true
    public var hasAttentionBias = true
    public var hasAttentionOutputBias = true
    /// Of what widens the rows; `hasOutputBias` of what narrows them again.
    public var hasFeedForwardBias = true
    public var hasOutputBias = true
    public var feedForward = FeedForwardKind.plain
    /// The factor of the scores; `nil` is `1 / √headSize`.
    public var attentionScale: Float?
    /// What attention knows of distances.
    public var relativePositions = RelativePositions.none
    /// Layers whose tokens attend to near ones alone.
    public var localAttention: LocalAttention?
    /// The place of every layer's parameters; layers at the same place share them.
    public var layerPaths: [String]
    /// Whether the last layer is one that brings the mean of the states to the first token.
    public internal(set) var hasMeanLayer = false

    // MARK: Training

    /// Of the embeddings, and of what the halves of a layer add to the residual where the next two are `nil`.
    public var hiddenDropoutProb: Float
    public var attentionOutputDropout: Float?
    public var outputDropout: Float?
    /// Of the wide rows between the two products behind attention.
    public var intermediateDropout: Float = 0
    public var attentionProbsDropoutProb: Float
    /// Of the hidden states behind the final normalization.
    public var finalDropout: Float = 0
    public var initializerRange: Float

    // MARK: Names

    public var names: EncoderNames
    /// Where a checkpoint spells a name in another way.
    public var spellings: CheckpointSpellings
    /// Beginnings of names that checkpoints of the family hold besides the encoder: heads of pre-training.
    public var pretrainingHeads: [String]
    public var head: HeadArchitecture
    /// `nil` where the family has no head for masked words, or has one that is not run.
    public var maskedHead: MaskedHeadArchitecture?

    public var numHiddenLayers: Int { layerPaths.count }
    /// The columns of all heads side by side.
    public var attentionSize: Int { numAttentionHeads * headSize }

    /// Tensors of published checkpoints that the encoder has no use for: buffers and heads of pre-training.
    public func isBufferOrPretrainingHead(_ name: String) -> Bool {
        ["position_ids", "token_type_ids", "inv_freq"].contains { name == $0 || name.hasSuffix("." + $0) }
            || pretrainingHeads.contains { name.hasPrefix($0) }
    }

    /// Tensors of the summary that some published encoders hold beside the layers.
    public func isPooler(_ name: String) -> Bool {
        ([names.prefix + ".", ""] + spellings.otherPrefixes).contains { name.hasPrefix($0 + "pooler.") }
    }

    /// Tensors of a pooler or of a classification head.
    public func isHead(_ name: String) -> Bool {
        let output = head.output.split(separator: ".").first.map(String.init)
        return isPooler(name)
            || [output, head.dense, head.norm].contains { $0.map { name.hasPrefix($0 + ".") } ?? false }
    }

    /// Drops the same share of all activations that training may drop.
    public mutating func setDropout(_ probability: Float) {
        (hiddenDropoutProb, attentionProbsDropoutProb) = (probability, probability)
        (attentionOutputDropout, outputDropout) = (nil, nil)
        if intermediateDropout > 0 { intermediateDropout = probability }
        if finalDropout > 0 { finalDropout = probability }
        if head.inputDropout > 0 { head.inputDropout = probability }
        head.dropout = probability
    }

    /// The operations of the matrix products with weights for one token. Attention, whose work grows with the length, is
    /// left out.
    public var operationsPerToken: Int {
        let matrices = feedForward == .plain ? 2 : 3
        let layer = 4 * hiddenSize * attentionSize + matrices * hiddenSize * intermediateSize
        return 2 * (numHiddenLayers * layer + (embeddingProjection == .none ? 0 : embeddingSize * hiddenSize))
    }
}

/// Where embeddings are projected to the size of the hidden states.
public enum EmbeddingProjection: Equatable, Sendable {
    case none
    /// Behind the normalization, with a bias. Source: Lan et al. 2020, "ALBERT", §3.1.
    case last
    /// Before the normalization, without a bias, as DeBERTa has it.
    case beforeNorm
    /// Words alone, without a bias, before places and token types are added, as albert_zh has it.
    case ofWords
}

/// Position embeddings by table.
public struct LearnedPositions: Equatable, Sendable {
    /// The rows of the table.
    public var count: Int
    /// RoBERTa's rule: places count from behind the padding's id, and a padding token inside a text has the place of that
    /// id and is not counted. `nil` counts from 0.
    public var paddingID: Int?

    /// The number of tokens that there are places for.
    public var maxTokens: Int { count - (paddingID.map { $0 + 1 } ?? 0) }
}

/// The kind of all normalizations of an encoder.
public struct NormalizationKind: Equatable, Sendable {
    public var epsilon: Float
    /// RMS normalization where false. Source: Zhang and Sennrich 2019, "Root Mean Square Layer Normalization", §4.
    public var isCentered = true
    public var hasBias = true

    public init(epsilon: Float, isCentered: Bool = true, hasBias: Bool = true) {
        self.epsilon = epsilon
        self.isCentered = isCentered
        self.hasBias = hasBias
    }
}

/// The half of a layer behind attention.
public enum FeedForwardKind: Equatable, Sendable {
    /// `f(x·W₁ᵀ)·W₂ᵀ`
    case plain
    /// `(f(x·Wᵀ) ⊙ x·Vᵀ)·W₂ᵀ`, with `W` and `V` two matrices. Source: Shazeer 2020, "GLU Variants Improve Transformer", §2.
    case gated
    /// The same with both in one matrix, `W` above `V`, or the other way round.
    case fusedGated(activatedFirst: Bool)
}

/// How attention knows the distance between two tokens.
public enum RelativePositions: Equatable, Sendable {
    case none
    /// A learned bias of every head for every bucket of distances, shared by all layers.
    ///
    /// Source: Raffel et al. 2020, "T5", §2.1.
    case buckets(count: Int, maxDistance: Int)
    /// A bias that falls with the distance. Source: Press et al. 2022, "ALiBi", §3.
    case alibi
    /// Queries and keys are rotated by their places. Source: Su et al. 2021, "RoFormer", §3.2.
    ///
    /// - Parameters:
    ///   - size: of the part of every head that is rotated.
    ///   - ntkFactor: how many times longer texts may be than those the base was made for, 1 for none (`RotaryTable`).
    case rotary(base: Double, size: Int, ntkFactor: Double = 1)
    /// Keys and queries that stand for distances, projected in every layer of one table.
    ///
    /// Source: He et al. 2021, "DeBERTa", §3.1.
    case disentangled(DisentangledKind)
}

/// What disentangled attention knows of distances.
public struct DisentangledKind: Equatable, Sendable {
    /// The table's rows.
    public var distances: DistanceRows
    /// Whether queries meet keys of distances: content to position.
    public var hasKeys: Bool
    /// Whether keys meet queries of distances: position to content.
    public var hasQueries: Bool
    /// Whether the tokens' projections are the distances' too.
    public var sharesProjections: Bool
    /// Whether the table is normalized before it is projected.
    public var isNormalized: Bool
}

/// Attention to near tokens in some layers. Source: Warner et al. 2024, "ModernBERT", §2.1.2.
public struct LocalAttention: Equatable, Sendable {
    /// The largest distance.
    public var window: Int
    /// Of rotary positions.
    public var rotaryBase: Double
    /// The layers whose tokens attend to near ones alone.
    public var layers: Set<Int>
}

/// Names of an encoder's parameters, without `weight` and `bias`.
public struct EncoderNames: Equatable, Sendable {
    /// Of the encoder in a checkpoint with a head, such as `bert`.
    public var prefix: String
    public var wordEmbeddings = "embeddings.word_embeddings"
    public var positionEmbeddings = "embeddings.position_embeddings"
    public var tokenTypeEmbeddings = "embeddings.token_type_embeddings"
    public var embeddingNorm = "embeddings.LayerNorm"
    public var embeddingProjection = ""
    public var relativeBias = ""
    public var relativeEmbeddings = ""
    public var relativeNorm = ""
    public var finalNorm = ""

    // Below a layer's path.
    public var query = "attention.self.query"
    public var key = "attention.self.key"
    public var value = "attention.self.value"
    public var positionKey = ""
    public var positionQuery = ""
    /// One matrix in place of the three: queries above keys above values.
    public var fusedProjections: String?
    public var attentionOutput = "attention.output.dense"
    public var attentionNorm = "attention.output.LayerNorm"
    public var intermediate = "intermediate.dense"
    /// Of a gated half, what the activated values are multiplied by.
    public var gate = ""
    public var output = "output.dense"
    public var outputNorm = "output.LayerNorm"

    public init(prefix: String) { self.prefix = prefix }
}
