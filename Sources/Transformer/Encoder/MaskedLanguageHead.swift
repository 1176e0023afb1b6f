public import Checkpoints
import JSON
public import Tensors

/// What a family's published head for masked words is made of: a dense layer, an activation, a normalization, and a score
/// for every token of the vocabulary.
public struct MaskedHeadArchitecture: Equatable, Sendable {
    /// The place of the dense layer, whose outputs have the size of the embeddings.
    public var dense: String
    public var activation: Activation
    public var norm: String
    /// The place of the scores' layer. Its matrix is the table of word embeddings, unless the checkpoint has one here.
    public var decoder: String
    /// The place of the scores' bias where the matrix is tied, in families that keep it outside of the layer.
    public var tiedBias: String?
    /// Whether the matrix is the table of word embeddings.
    public var isTied: Bool

    /// - Parameter file: a `config.json`, which says whether the matrix is tied.
    init(
        _ file: JSONFile, dense: String, activation: Activation, norm: String, decoder: String, tiedBias: String? = nil
    ) {
        self.dense = dense
        self.activation = activation
        self.norm = norm
        self.decoder = decoder
        self.tiedBias = tiedBias
        isTied = file.object["tie_word_embeddings"]?.bool ?? true
    }
}

/// Hidden states to a score for every token of the vocabulary.
///
/// Source: Devlin et al. 2019, "BERT", §3.1, "Masked LM", and the released code's `get_masked_lm_output`; other families'
/// layouts as transformers publishes them, described by `MaskedHeadArchitecture`.
public final class MaskedLanguageHead {
    public let architecture: MaskedHeadArchitecture
    public let dense: Linear
    public let norm: LayerNorm
    public let decoder: Linear

    /// - Parameters:
    ///   - root: the root of a checkpoint.
    ///   - words: the table of word embeddings.
    ///   - isTied: whether that is the decoder's matrix, also where the checkpoint has another.
    public init(
        _ root: ParameterScope, _ encoder: EncoderArchitecture, _ architecture: MaskedHeadArchitecture,
        words: Parameter,
        isTied: Bool = false
    ) throws(CheckpointError) {
        self.architecture = architecture
        dense = try Linear(
            root[architecture.dense], inputSize: encoder.hiddenSize, outputSize: encoder.embeddingSize,
            standardDeviation: encoder.initializerRange)
        norm = try LayerNorm(
            root[architecture.norm], size: encoder.embeddingSize, encoder.normalization)
        let place = root[architecture.decoder]
        let biasShape: Shape = [encoder.vocabSize]
        if isTied || architecture.isTied {
            // Tensors of the decoder's own count, also where the configuration calls them tied.
            let own = isTied ? nil : try place.optional("weight", [encoder.vocabSize, encoder.embeddingSize])
            let bias: Parameter
            if let inner = try place.optional("bias", biasShape) {
                bias = inner
                if let tied = architecture.tiedBias { _ = try root[tied].optional("bias", biasShape) }
            } else {
                bias = try root[architecture.tiedBias ?? architecture.decoder].parameter("bias", biasShape, .zeros)
            }
            decoder = Linear(weight: own ?? words, bias: bias)
        } else {
            decoder = try Linear(
                place, inputSize: encoder.embeddingSize, outputSize: encoder.vocabSize,
                standardDeviation: encoder.initializerRange)
        }
    }

    /// - Parameter hidden: `[tokens, hiddenSize]`
    /// - Returns: the logits, `[tokens, vocabSize]`
    public func forward(_ hidden: Tensor) -> Tensor {
        let projected = dense.forward(hidden).output.activated(architecture.activation)
        return decoder.forward(norm.forward(projected).output).output
    }

    /// Scores the vocabulary and compares. Adds to the gradients.
    ///
    /// - Parameters:
    ///   - targets: of each token the id that is to have the largest score.
    ///   - weight: what the loss counts.
    /// - Returns: the mean cross-entropy times the weight, and its gradient by the hidden states.
    public func evaluate(_ hidden: Tensor, targets: [Int], weight: Double = 1) -> (loss: Double, gradient: Tensor) {
        let (projected, denseSaved) = dense.forward(hidden)
        let (normalized, normSaved) = norm.forward(projected.activated(architecture.activation))
        var loss = 0.0
        var gradients: [Tensor] = []
        // Few tokens at a time: each has a row of the vocabulary's size.
        let size = max(1, Self.scoresAtOnce / decoder.outputSize)
        for start in stride(from: 0, to: targets.count, by: size) {
            let part = start..<min(targets.count, start + size)
            let share = weight * Double(part.count) / Double(targets.count)
            let (logits, saved) = decoder.forward(normalized.rows(part))
            var (value, gradient) = CrossEntropyLoss.evaluate(logits, targets: Array(targets[part]))
            loss += value * share
            gradient.scale(by: Float(share))
            gradients.append(decoder.backward(gradient, saved))
        }
        var gradient = norm.backward(Tensor(rows: gradients), normSaved)
        gradient.multiply(byDerivativeOf: architecture.activation, at: projected)
        return (loss, dense.backward(gradient, denseSaved))
    }

    /// How many scores `evaluate` holds at most, where a token does not have more.
    public static let scoresAtOnce = 1 << 24

    /// Packs the matrices until they change.
    public func pack() {
        dense.pack()
        decoder.pack()
    }
}
