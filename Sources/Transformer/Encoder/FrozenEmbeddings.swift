import Tensors

/// The embeddings of an inference plan.
struct FrozenEmbeddings: Sendable {
    private let tables: [StoredTensor]
    private let positions: LearnedPositions?
    private let hasTypes: Bool
    private let norm: FrozenLayerNorm?
    private let normalizesProjection: Bool
    private let projection: FrozenLinear?

    /// - Parameter factors: of the columns that the first layer reads.
    init(_ embeddings: TokenEmbeddings, precision: Precision, factors: [Float]?) {
        tables = embeddings.tables.map { $0.weight.stored }
        positions = embeddings.positions
        hasTypes = embeddings.tokenTypeEmbeddings != nil
        let isFollowed = embeddings.outputNorm == nil
        norm = embeddings.layerNorm.map { FrozenLayerNorm($0, factors: isFollowed ? nil : factors) }
        normalizesProjection = embeddings.normalizesProjection
        projection = embeddings.projection.map {
            FrozenLinear([$0.weight.stored], biases: [$0.bias?.value], precision: precision)
        }
    }

    /// - Parameter hidden: becomes `[tokens, hiddenSize]`.
    func embed(_ batch: TokenBatch, into hidden: Activations, _ workspace: Workspace) {
        var rows = [batch.inputIDs]
        if hasTypes { rows.append(batch.tokenTypeIDs) }
        if let positions { rows.append(batch.rows(of: positions)) }
        if let projection {
            workspace.embedded.embed(tables, rows, normalizedBy: normalizesProjection ? nil : norm)
            projection.project(workspace.embedded, into: hidden, workspace.scratch)
            if normalizesProjection { hidden.normalize(hidden, by: norm) }
        } else {
            hidden.embed(tables, rows, normalizedBy: norm)
        }
    }
}
