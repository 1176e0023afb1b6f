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
        let input: Linear.Saved
        let query, key, value: Tensor  // [tokens, hiddenSize]
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
    ///   - hidden: `[tokens, hiddenSize]`; rows attend only within their own sequence.
    ///   - random: drops attention weights when given.
    /// - Returns: the context vectors, `[tokens, hiddenSize]`.
    public func forward(
        _ hidden: Tensor, _ sequences: [Range<Int>], training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        let (q, input) = query.forward(hidden)
        let k = key.forward(hidden).output
        let v = value.forward(hidden).output
        let attention = PackedAttention(
            sequences: sequences, heads: heads, dropout: DropoutMask(probability: dropout, random: random))
        let (context, products) = attention.forward(q, k, v)
        return (context, Saved(input: input, query: q, key: k, value: v, attention: attention, products: products))
    }

    /// Adds to the gradients of the projections, and returns the gradient of the hidden states.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        let gradients = saved.attention.backward(gradient, saved.query, saved.key, saved.value, saved.products)
        var hidden = query.backward(gradients.query, saved.input)
        hidden += key.backward(gradients.key, saved.input)
        hidden += value.backward(gradients.value, saved.input)
        return hidden
    }
}
