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
        if architecture.isTied {
            let place = root[architecture.tiedBias ?? architecture.decoder]
            decoder = Linear(weight: words, bias: try place.parameter("bias", [encoder.vocabSize], .zeros))
        } else {
            decoder = try Linear(
                root[architecture.decoder], inputSize: encoder.embeddingSize, outputSize: encoder.vocabSize,
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
