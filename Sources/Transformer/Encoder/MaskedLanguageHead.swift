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
    public init(
        _ root: ParameterScope, _ encoder: EncoderArchitecture, _ architecture: MaskedHeadArchitecture, words: Parameter
    ) throws(CheckpointError) {
        self.architecture = architecture
        dense = try Linear(
            root[architecture.dense], inputSize: encoder.hiddenSize, outputSize: encoder.embeddingSize,
            standardDeviation: encoder.initializerRange)
        norm = try LayerNorm(
            root[architecture.norm], size: encoder.embeddingSize, encoder.normalization)
        let place = root[architecture.decoder]
        let biasShape: Shape = [encoder.vocabSize]
        if architecture.isTied {
            // Tensors of the decoder's own count, also where the configuration calls them tied.
            let own = try place.optional("weight", [encoder.vocabSize, encoder.embeddingSize])
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

    /// Packs the matrices until they change.
    public func pack() {
        dense.pack()
        decoder.pack()
    }
}
