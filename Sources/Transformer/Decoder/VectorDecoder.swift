public import Checkpoints
public import Tensors

/// A decoder that says a text from one vector, token by token. Its embeddings, self-attention and dense layers are an
/// encoder's, whose parameters it shares; its attention to the vector and the head that scores the vocabulary are its own.
/// The head's matrix is the table of word embeddings.
///
/// Sources: Wang, Reimers and Gurevych 2021, "TSDAE: Using Transformer-based Sequential Denoising Auto-Encoder for
/// Unsupervised Sentence Embedding Learning", §3; tied as in §4.
public final class VectorDecoder {
    /// Those that the encoder does not have.
    public let parameters: [Parameter]
    private let embeddings: TokenEmbeddings
    private let layers: [DecoderLayer]
    private let head: MaskedLanguageHead

    public struct Saved: Sendable {
        let embeddings: TokenEmbeddings.Saved
        let layers: [DecoderLayer.Saved]
        let vectors: Shape
    }

    /// - Parameters:
    ///   - encoder: of an architecture that `canDecode`.
    ///   - vectorSize: of the vectors.
    ///   - source: has the head of the checkpoint, where it has one; what it lacks is initialized.
    /// - Precondition: the encoder has no adapters.
    public init(
        sharing encoder: TransformerEncoder, vectorSize: Int, _ source: ParameterSource
    ) throws(CheckpointError) {
        let architecture = encoder.architecture
        guard architecture.canDecode, let layout = architecture.maskedHead else {
            preconditionFailure("a decoder of model_type \(architecture.modelType)")
        }
        precondition(encoder.adapters.isEmpty, "a decoder of an encoder with adapters")
        let before = source.parameters.count
        let root = source.root.initializing
        embeddings = encoder.embeddings
        var shared: [String: DecoderLayer] = [:]
        var layers: [DecoderLayer] = []
        for (path, layer) in zip(architecture.layerPaths, encoder.layers) {
            let scope = root[architecture.names.prefix][path]["crossattention"]
            let decoding =
                if let known = shared[path] { known } else {
                    DecoderLayer(
                        sharing: layer, try VectorAttention(scope, architecture, vectorSize: vectorSize))
                }
            shared[path] = decoding
            layers.append(decoding)
        }
        self.layers = layers
        head = try MaskedLanguageHead(
            root, architecture, layout, words: encoder.embeddings.wordEmbeddings.weight, isTied: true)
        parameters = Array(source.parameters[before...])
    }

    /// Chooses the precision of its own products, in both passes; the encoder's are the encoder's.
    public func setPrecision(_ precision: Precision) {
        for layer in layers {
            for linear in [layer.vectorAttention.value, layer.vectorAttention.dense] { linear.precision = precision }
        }
        for linear in [head.dense, head.decoder] { linear.precision = precision }
    }

    /// - Parameters:
    ///   - batch: the texts, each token of which is to be followed by the next.
    ///   - vectors: a row for each text, `[sequences, vectorSize]`.
    ///   - random: applies dropout when given.
    /// - Returns: the hidden states, `[tokens, hiddenSize]`; each knows its text's vector and the tokens up to its own.
    public func forward(
        _ batch: TokenBatch, _ vectors: Tensor, training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        precondition(vectors.rows == batch.sequences.count, "\(vectors.shape) for \(batch.sequences.count) texts")
        let texts = batch.sequences.enumerated().flatMap { repeatElement(Int32($0.offset), count: $0.element.count) }
        var (hidden, embeddingsSaved) = embeddings.forward(batch, training: random)
        var saved: [DecoderLayer.Saved] = []
        for layer in layers {
            let (output, layerSaved) = layer.forward(hidden, batch.sequences, vectors, texts, training: random)
            saved.append(layerSaved)
            hidden = output
        }
        return (hidden, Saved(embeddings: embeddingsSaved, layers: saved, vectors: vectors.shape))
    }

    /// Adds to the gradients of the decoder's parameters and of those that it shares.
    ///
    /// - Returns: the gradient of the vectors.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        var vectors = Tensor.zeros(saved.vectors)
        var gradient = gradient
        for (layer, saved) in zip(layers, saved.layers).reversed() {
            gradient = layer.backward(gradient, saved, addingTo: &vectors)
        }
        embeddings.backward(gradient, saved.embeddings)
        return vectors
    }

    /// Scores every token's successor. Adds to the gradients of the head.
    ///
    /// - Parameters:
    ///   - next: the id that follows each token.
    ///   - weight: what the loss counts.
    /// - Returns: the mean cross-entropy times the weight, and its gradient by the hidden states.
    public func scoreNext(_ hidden: Tensor, next: [Int], weight: Double = 1) -> (loss: Double, gradient: Tensor) {
        head.evaluate(hidden, targets: next, weight: weight)
    }

    /// Packs the head's matrices until they change.
    public func pack() { head.pack() }
}

extension EncoderArchitecture {
    /// Whether the layers can be a decoder's too: tokens know their places by the embeddings alone, all tokens attend to all,
    /// normalizations stand behind the halves of a layer, and a head for the vocabulary is known.
    public var canDecode: Bool {
        learnedPositions != nil && relativePositions == .none && localAttention == nil && !isPreNorm
            && maskedHead != nil
    }
}
