public import Checkpoints
public import Tensors

/// Multi-head self-attention over packed sequences, without the output projection.
///
/// Source: Vaswani et al. 2017, "Attention Is All You Need", §3.2.2.
public final class SelfAttention {
    public let query: Linear
    public let key: Linear
    public let value: Linear
    let heads: Int
    let dropout: Float

    public struct Saved: Sendable {
        let queryInput: Linear.Saved
        let input: Linear.Saved
        let query, key, value: Tensor  // [queries, hiddenSize], [tokens, hiddenSize] twice
        let attention: PackedAttention
        let products: PackedAttention.Saved
    }

    public init(
        _ scope: ParameterScope, hiddenSize: Int, heads: Int, dropout: Float, standardDeviation: Float
    ) throws(CheckpointError) {
        func projection(_ name: String) throws(CheckpointError) -> Linear {
            try Linear(
                scope[name], inputSize: hiddenSize, outputSize: hiddenSize, standardDeviation: standardDeviation)
        }
        query = try projection("query")
        key = try projection("key")
        value = try projection("value")
        self.heads = heads
        self.dropout = dropout
    }

    /// - Parameters:
    ///   - hidden: `[tokens, hiddenSize]`; what is attended to, within each sequence.
    ///   - sequences: the rows of each sequence in `hidden`.
    ///   - queries: the rows that attend, `[queries, hiddenSize]`: all of `hidden`, or some rows of each sequence.
    ///   - querySequences: the rows of each sequence in `queries`.
    ///   - random: drops attention weights when given.
    /// - Returns: the context vectors, `[queries, hiddenSize]`.
    public func forward(
        _ hidden: Tensor, _ sequences: [Range<Int>], queries: Tensor, _ querySequences: [Range<Int>],
        training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        let operand = ProductOperand(hidden, key.precision)
        // Compared by their memory where they are the same.
        let (q, queryInput) = queries == hidden ? query.forward(operand) : query.forward(queries)
        let (k, input) = key.forward(operand)
        let v = value.forward(operand).output
        let attention = PackedAttention(
            queries: querySequences, keys: sequences, heads: heads,
            dropout: DropoutMask(probability: dropout, random: random))
        let (context, products) = attention.forward(q, k, v)
        return (
            context,
            Saved(
                queryInput: queryInput, input: input, query: q, key: k, value: v, attention: attention,
                products: products)
        )
    }

    /// Adds to the gradients of the projections, and returns the gradients of `hidden` and of `queries`.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> (hidden: Tensor, queries: Tensor) {
        let gradients = saved.attention.backward(gradient, saved.query, saved.key, saved.value, saved.products)
        var hidden = key.backward(gradients.key, saved.input)
        value.backward(gradients.value, saved.input, addingTo: &hidden)
        return (hidden, query.backward(gradients.query, saved.queryInput))
    }
}
