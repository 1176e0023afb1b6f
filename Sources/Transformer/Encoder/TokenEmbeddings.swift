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
    let projectionPlace: EmbeddingProjection
    let positions: LearnedPositions?
    private let dropout: Float
    /// The size of the noise on the words' vectors while training: in a text of `n` tokens uniform up to
    /// `noise / √(n · embeddingSize)`.
    ///
    /// Source: Jain et al. 2024, "NEFTune: Noisy Embeddings Improve Instruction Finetuning", algorithm 1.
    public var noise: Float = 0

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
        let place = architecture.embeddingProjection
        let (size, hiddenSize) = (architecture.embeddingSize, architecture.hiddenSize)
        func table(_ name: String, _ count: Int, size: Int) throws(CheckpointError) -> Embedding {
            try Embedding(scope[name], count: count, size: size, standardDeviation: architecture.initializerRange)
        }
        wordEmbeddings = try table(names.wordEmbeddings, architecture.vocabSize, size: size)
        let sumSize = place == .ofWords ? hiddenSize : size
        positions = architecture.learnedPositions
        if let positions = architecture.learnedPositions {
            positionEmbeddings = try table(names.positionEmbeddings, positions.count, size: sumSize)
        } else {
            positionEmbeddings = nil
        }
        tokenTypeEmbeddings =
            architecture.typeVocabSize > 0
            ? try table(names.tokenTypeEmbeddings, architecture.typeVocabSize, size: sumSize) : nil
        layerNorm =
            architecture.normalizesEmbeddings
            ? try LayerNorm(
                scope[names.embeddingNorm], size: place == .last ? size : hiddenSize, architecture.normalization) : nil
        projectionPlace = place
        projection =
            place == .none
            ? nil
            : try Linear(
                scope[names.embeddingProjection], inputSize: size, outputSize: hiddenSize, hasBias: place == .last,
                standardDeviation: architecture.initializerRange)
        dropout = architecture.hiddenDropoutProb
    }

    /// Of words, of token types and of places, those that there are.
    public var tables: [Embedding] { [wordEmbeddings, tokenTypeEmbeddings, positionEmbeddings].compactMap { $0 } }

    /// - Returns: `[tokens, hiddenSize]`
    public func forward(_ batch: TokenBatch, training random: RandomSource?) -> (output: Tensor, saved: Saved) {
        var (output, words) = wordEmbeddings.forward(batch.inputIDs)
        var projectionSaved: Linear.Saved?
        func project(at place: EmbeddingProjection) {
            guard place == projectionPlace, let projected = projection?.forward(output) else { return }
            (output, projectionSaved) = projected
        }
        func add(_ table: Embedding?, _ rows: @autoclosure () -> [Int32]) -> Embedding.Saved? {
            guard let (vectors, saved) = table?.forward(rows()) else { return nil }
            output += vectors
            return saved
        }
        if noise > 0, let random {
            let key = UInt32(truncatingIfNeeded: random.next())
            for sequence in batch.sequences {
                let size = noise / (Float(sequence.count) * Float(wordEmbeddings.weight.shape.columns)).squareRoot()
                output.addUniformNoise(to: sequence, size: size, key: key)
            }
        }
        project(at: .ofWords)
        let types = add(tokenTypeEmbeddings, batch.tokenTypeIDs)
        let places = add(positionEmbeddings, positions.map { batch.rows(of: $0) } ?? [])
        project(at: .beforeNorm)
        let normalized = layerNorm?.forward(output)
        output = normalized?.output ?? output
        let mask = DropoutMask(probability: dropout, random: random)
        output.apply(mask)
        project(at: .last)
        return (
            output,
            Saved(
                words: words, positions: places, types: types, layerNorm: normalized?.saved, mask: mask,
                projection: projectionSaved)
        )
    }

    /// What the first layer reads, where its factors are known.
    var outputNorm: LayerNorm? { projectionPlace == .last ? nil : layerNorm }

    /// Adds to the gradients of all tables, of the normalization and of the projection.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        var gradient = gradient
        func project(at place: EmbeddingProjection) {
            guard place == projectionPlace, let projection, let input = saved.projection else { return }
            gradient = projection.backward(gradient, input)
        }
        project(at: .last)
        gradient.apply(saved.mask)
        if let layerNorm, let rows = saved.layerNorm { gradient = layerNorm.backward(gradient, rows) }
        project(at: .beforeNorm)
        if let places = saved.positions { positionEmbeddings?.backward(gradient, places) }
        if let types = saved.types { tokenTypeEmbeddings?.backward(gradient, types) }
        project(at: .ofWords)
        wordEmbeddings.backward(gradient, saved.words)
    }
}
