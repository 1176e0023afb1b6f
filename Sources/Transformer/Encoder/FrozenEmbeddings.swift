import Tensors

/// The embeddings of an inference plan.
struct FrozenEmbeddings: Sendable {
    private let tables: [StoredTensor]
    private let positions: LearnedPositions?
    private let hasTypes: Bool
    private let norm: FrozenLayerNorm?
    private let projectionPlace: EmbeddingProjection
    private let projection: FrozenLinear?

    /// - Parameter factors: of the columns that the first layer reads.
    init(_ embeddings: TokenEmbeddings, precision: Precision, factors: [Float]?) {
        let words = embeddings.wordEmbeddings.weight.stored
        tables =
            [embeddings.prompt?.table(behind: words) ?? words] + embeddings.tables.dropFirst().map { $0.weight.stored }
        positions = embeddings.positions
        hasTypes = embeddings.tokenTypeEmbeddings != nil
        let isFollowed = embeddings.outputNorm == nil
        norm = embeddings.layerNorm.map { FrozenLayerNorm($0, factors: isFollowed ? nil : factors) }
        projectionPlace = embeddings.projectionPlace
        projection = embeddings.projection.map {
            let (weight, bias) = $0.folded
            return FrozenLinear([weight], biases: [bias], precision: precision)
        }
    }

    /// - Parameters:
    ///   - batch: with the virtual tokens of a prompt.
    ///   - hidden: becomes `[tokens, hiddenSize]`.
    func embed(_ batch: TokenBatch, into hidden: Activations, _ workspace: Workspace) {
        var rows = [batch.inputIDs]
        if hasTypes { rows.append(batch.tokenTypeIDs) }
        if let positions { rows.append(batch.rows(of: positions)) }
        guard let projection else { return hidden.embed(tables, rows, normalizedBy: norm) }
        // Words come first.
        let count = projectionPlace == .ofWords ? 1 : tables.count
        let norms = projectionPlace == .last ? (before: norm, after: nil) : (before: nil, after: norm)
        workspace.embedded.embed(Array(tables[..<count]), Array(rows[..<count]), normalizedBy: norms.before)
        projection.project(workspace.embedded, into: hidden, workspace.scratch)
        hidden.add(Array(tables[count...]), Array(rows[count...]), normalizedBy: norms.after)
    }
}
