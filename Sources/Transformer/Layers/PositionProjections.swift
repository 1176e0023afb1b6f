public import Checkpoints
import Tensors

/// The projections of distances in one layer: to the keys that queries meet, and to the queries that keys meet. They are
/// layers of their own, or the ones that also project the tokens.
///
/// Source: He et al. 2021, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention", §3.1, equation 4, `K_r` and `Q_r`.
public final class PositionProjections {
    public let key: Linear?
    public let query: Linear?
    let embeddings: RelativeEmbeddings
    private let isShared: Bool

    public struct Saved: Sendable {
        let embeddings: RelativeEmbeddings.Saved
        let key, query: Linear.Saved?
    }

    /// - Parameters:
    ///   - scope: the layer's place.
    ///   - keys: what projects the tokens to keys, as `queries` to queries.
    /// - Returns: `nil` where the architecture's attention has none.
    public init?(
        _ scope: ParameterScope, _ architecture: EncoderArchitecture, _ embeddings: RelativeEmbeddings?,
        keys: Linear, queries: Linear
    ) throws(CheckpointError) {
        guard let embeddings, case .disentangled(let kind) = architecture.relativePositions else { return nil }
        func projection(_ name: String, shared: Linear) throws(CheckpointError) -> Linear {
            if kind.sharesProjections { return shared }
            return try Linear(
                scope[name], inputSize: architecture.hiddenSize, outputSize: architecture.attentionSize,
                standardDeviation: architecture.initializerRange)
        }
        key = kind.hasKeys ? try projection(architecture.names.positionKey, shared: keys) : nil
        query = kind.hasQueries ? try projection(architecture.names.positionQuery, shared: queries) : nil
        isShared = kind.sharesProjections
        self.embeddings = embeddings
    }

    /// Those that are not the tokens' too.
    var ownLinears: [Linear] { isShared ? [] : [key, query].compactMap { $0 } }

    /// - Parameter reach: one more than the largest distance.
    func forward(reach: Int, training random: RandomSource?) -> (output: DisentangledPositions, saved: Saved) {
        let (vectors, saved) = embeddings.forward(reach: reach, training: random)
        let (keys, queries) = (key?.forward(vectors, training: random), query?.forward(vectors, training: random))
        return (
            DisentangledPositions(keys: keys?.output, queries: queries?.output, embeddings.distances, reach: reach),
            Saved(embeddings: saved, key: keys?.saved, query: queries?.saved)
        )
    }

    /// Adds to the gradients of the projections and of the embeddings.
    ///
    /// - Parameters: the gradients are those of the keys and of the queries, `[rows, attentionSize]`.
    func backward(keys: Tensor?, queries: Tensor?, _ saved: Saved) {
        var sum: Tensor?
        if let key, let input = saved.key, let keys { sum = key.backward(keys, input) }
        if let query, let input = saved.query, let queries {
            let gradient = query.backward(queries, input)
            sum = sum.map { $0 + gradient } ?? gradient
        }
        if let sum { embeddings.backward(sum, saved.embeddings) }
    }

    /// - Parameter vectors: `embeddings.frozen(reach:)`.
    func frozen(_ vectors: Tensor, reach: Int) -> DisentangledPositions {
        func project(_ linear: Linear?) -> Tensor? {
            linear.map { linear in
                let (weight, bias) = linear.folded
                return matmul(vectors, weight.tensor.transposed, bias: bias)
            }
        }
        return DisentangledPositions(keys: project(key), queries: project(query), embeddings.distances, reach: reach)
    }
}
