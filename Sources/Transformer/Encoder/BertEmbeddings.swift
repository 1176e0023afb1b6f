public import Checkpoints
public import Tensors

/// The sum of word, position and token type embeddings, normalized.
///
/// Source: Devlin et al. 2019, "BERT", §3 and figure 2.
public final class BertEmbeddings {
    public let wordEmbeddings: Embedding
    public let positionEmbeddings: Embedding
    public let tokenTypeEmbeddings: Embedding
    public let layerNorm: LayerNorm
    let dropout: Float

    public struct Saved: Sendable {
        let words, positions, types: Embedding.Saved
        let layerNorm: LayerNorm.Saved
        let mask: DropoutMask?
    }

    public init(_ scope: ParameterScope, _ configuration: BertConfiguration) throws(CheckpointError) {
        let size = configuration.hiddenSize
        let deviation = configuration.initializerRange
        wordEmbeddings = try Embedding(
            scope["word_embeddings"], count: configuration.vocabSize, size: size, standardDeviation: deviation)
        positionEmbeddings = try Embedding(
            scope["position_embeddings"], count: configuration.maxPositionEmbeddings, size: size,
            standardDeviation: deviation)
        tokenTypeEmbeddings = try Embedding(
            scope["token_type_embeddings"], count: configuration.typeVocabSize, size: size,
            standardDeviation: deviation)
        layerNorm = try LayerNorm(scope["LayerNorm"], size: size, epsilon: configuration.layerNormEps)
        dropout = configuration.hiddenDropoutProb
    }

    /// - Returns: `[tokens, hiddenSize]`
    public func forward(_ batch: TokenBatch, training random: RandomSource?) -> (output: Tensor, saved: Saved) {
        var (sum, words) = wordEmbeddings.forward(batch.inputIDs)
        let (typeVectors, types) = tokenTypeEmbeddings.forward(batch.tokenTypeIDs)
        sum += typeVectors
        let (positionVectors, positions) = positionEmbeddings.forward(batch.positions)
        sum += positionVectors
        var (output, normalization) = layerNorm.forward(sum)
        let mask = DropoutMask(probability: dropout, random: random)
        output.apply(mask)
        return (
            output, Saved(words: words, positions: positions, types: types, layerNorm: normalization, mask: mask)
        )
    }

    /// Adds to the gradients of all tables and of the normalization.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        var gradient = gradient
        gradient.apply(saved.mask)
        let sum = layerNorm.backward(gradient, saved.layerNorm)
        wordEmbeddings.backward(sum, saved.words)
        positionEmbeddings.backward(sum, saved.positions)
        tokenTypeEmbeddings.backward(sum, saved.types)
    }
}
