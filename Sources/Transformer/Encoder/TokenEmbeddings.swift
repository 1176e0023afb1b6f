public import Checkpoints
public import Tensors

/// The sum of word, position and token type embeddings, normalized and projected, each where the family has it.
///
/// Source: Devlin et al. 2019, "BERT", §3 and figure 2; the projection: Lan et al. 2020, "ALBERT", §3.1.
public final class TokenEmbeddings {
    public let wordEmbeddings: Embedding
    public let positionEmbeddings: Embedding?
    public let tokenTypeEmbeddings: Embedding?
    public let layerNorm: LayerNorm?
    public let projection: Linear?
    /// Whether the normalization stands behind the projection.
    let normalizesProjection: Bool
    let positions: LearnedPositions?
    private let dropout: Float

    public struct Saved: Sendable {
        let words: Embedding.Saved
        let positions, types: Embedding.Saved?
        let layerNorm: LayerNorm.Saved?
        let mask: DropoutMask?
        let projection: Linear.Saved?
    }

    /// - Parameter scope: the encoder's place.
    public init(_ scope: ParameterScope, _ architecture: EncoderArchitecture) throws(CheckpointError) {
        let names = architecture.names
        func table(_ name: String, _ count: Int) throws(CheckpointError) -> Embedding {
            try Embedding(
                scope[name], count: count, size: architecture.embeddingSize,
                standardDeviation: architecture.initializerRange)
        }
        wordEmbeddings = try table(names.wordEmbeddings, architecture.vocabSize)
        positions = architecture.learnedPositions
        if let positions = architecture.learnedPositions {
            positionEmbeddings = try table(names.positionEmbeddings, positions.count)
        } else {
            positionEmbeddings = nil
        }
        tokenTypeEmbeddings =
            architecture.typeVocabSize > 0 ? try table(names.tokenTypeEmbeddings, architecture.typeVocabSize) : nil
        normalizesProjection = architecture.normalizesProjection
        let normSize = normalizesProjection ? architecture.hiddenSize : architecture.embeddingSize
        layerNorm =
            architecture.normalizesEmbeddings
            ? try LayerNorm(scope[names.embeddingNorm], size: normSize, architecture.normalization)
            : nil
        projection =
            architecture.projectsEmbeddings
            ? try Linear(
                scope[names.embeddingProjection], inputSize: architecture.embeddingSize,
                outputSize: architecture.hiddenSize, hasBias: !normalizesProjection,
                standardDeviation: architecture.initializerRange) : nil
        dropout = architecture.hiddenDropoutProb
    }

    /// Of words, of token types and of places, those that there are.
    var tables: [Embedding] { [wordEmbeddings, tokenTypeEmbeddings, positionEmbeddings].compactMap { $0 } }

    /// - Returns: `[tokens, hiddenSize]`
    public func forward(_ batch: TokenBatch, training random: RandomSource?) -> (output: Tensor, saved: Saved) {
        var (sum, words) = wordEmbeddings.forward(batch.inputIDs)
        func add(_ table: Embedding?, _ rows: @autoclosure () -> [Int32]) -> Embedding.Saved? {
            guard let (vectors, saved) = table?.forward(rows()) else { return nil }
            sum += vectors
            return saved
        }
        let types = add(tokenTypeEmbeddings, batch.tokenTypeIDs)
        let places = add(positionEmbeddings, positions.map { batch.rows(of: $0) } ?? [])
        var projected = normalizesProjection ? projection?.forward(sum) : nil
        let normalized = layerNorm?.forward(projected?.output ?? sum)
        var output = normalized?.output ?? projected?.output ?? sum
        let mask = DropoutMask(probability: dropout, random: random)
        output.apply(mask)
        if !normalizesProjection, let projection {
            projected = projection.forward(output)
            output = projected?.output ?? output
        }
        return (
            output,
            Saved(
                words: words, positions: places, types: types, layerNorm: normalized?.saved, mask: mask,
                projection: projected?.saved)
        )
    }

    /// What the first layer reads, where its factors are known.
    var outputNorm: LayerNorm? { projection == nil || normalizesProjection ? layerNorm : nil }

    /// Adds to the gradients of all tables, of the normalization and of the projection.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        var gradient = gradient
        func project() {
            if let projection, let input = saved.projection { gradient = projection.backward(gradient, input) }
        }
        if !normalizesProjection { project() }
        gradient.apply(saved.mask)
        if let layerNorm, let rows = saved.layerNorm { gradient = layerNorm.backward(gradient, rows) }
        if normalizesProjection { project() }
        wordEmbeddings.backward(gradient, saved.words)
        if let places = saved.positions { positionEmbeddings?.backward(gradient, places) }
        if let types = saved.types { tokenTypeEmbeddings?.backward(gradient, types) }
    }
}
