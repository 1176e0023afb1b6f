public import Tensors
public import Transformer

/// A text is to be said from the vector of what is left of it: the mean cross-entropy of a decoder's scores of each token,
/// given the vector and the tokens before.
///
/// Source: Wang, Reimers and Gurevych 2021, "TSDAE: Using Transformer-based Sequential Denoising Auto-Encoder for
/// Unsupervised Sentence Embedding Learning", §3, equation 1.
public final class DenoisingAutoEncoderLoss: SentenceLoss {
    private let decoder: VectorDecoder
    private let dropout: RandomSource?

    /// - Parameters:
    ///   - decoder: shares the parameters of the encoder whose vectors these are.
    ///   - dropout: of the decoder; `nil` drops nothing.
    public init(_ decoder: VectorDecoder, dropout: RandomSource?) {
        self.decoder = decoder
        self.dropout = dropout
    }

    public var parameters: [Parameter] { decoder.parameters }

    /// Adds to the gradients of the parameters that encoder and decoder share, too.
    ///
    /// - Parameters:
    ///   - columns: the vectors of the damaged texts, one column.
    ///   - targets: the texts as they were.
    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        let (vectors, texts) = (columns[0], targets.texts)
        // A text's last token has no successor.
        let lengths = texts.map { max(0, $0.count - 1) }
        let count = lengths.reduce(0, +)
        guard count > 0 else { return (0, [.zeros(vectors.shape)]) }
        decoder.pack()
        var loss = 0.0
        let gradients = TrainingParts.of(lengths: lengths).map { part in
            let share = Double(lengths[part].reduce(0, +)) / Double(count)
            let own = vectors.rows(part)
            guard share > 0 else { return Tensor.zeros(own.shape) }
            let (hidden, saved) = decoder.forward(TokenBatch(texts[part].map { $0.dropLast() }), own, training: dropout)
            let next = texts[part].flatMap { $0.dropFirst().map(Int.init) }
            let (value, gradient) = decoder.scoreNext(hidden, next: next, weight: share)
            loss += value
            return decoder.backward(gradient, saved)
        }
        return (loss, [Tensor(rows: gradients)])
    }
}
