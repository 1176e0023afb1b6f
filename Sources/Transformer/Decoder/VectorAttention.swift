public import Checkpoints
public import Tensors

/// Cross-attention of a decoder's tokens to one vector: `LayerNorm(x + dropout(W_o·(W_v·s + b_v) + b_o))`.
///
/// No attention is computed, because its result is known. A query `q` gives the only key `k` the weight
/// `softmax(q·k / √d) = exp(q·k / √d) / exp(q·k / √d) = 1`, whatever both are: so every token of a text reads the one value
/// `W_v·s + b_v`, and the derivative of the weight by `q` and by `k` is `1·(1 - 1) = 0`. `W_q` and `W_k` change nothing and
/// get no gradient; they are not here. What published decoders drop of attention weights while training would drop whole
/// heads of that value, for one token at a time; nothing is dropped of it here.
///
/// Sources: Vaswani et al. 2017, "Attention Is All You Need", §3.2.3; Wang et al. 2021, "TSDAE", §3.
public final class VectorAttention {
    public let value: Linear  // [attentionSize, vectorSize]
    public let dense: Linear  // [hiddenSize, attentionSize]
    public let layerNorm: LayerNorm
    private let dropout: Float

    public struct Saved: Sendable {
        /// Of each token the index of its text.
        let texts: [Int32]
        let value, dense: Linear.Saved
        let layerNorm: LayerNorm.Saved
        let mask: DropoutMask?
    }

    /// - Parameters:
    ///   - scope: the place of the cross-attention.
    ///   - vectorSize: of the vectors.
    public init(
        _ scope: ParameterScope, _ architecture: EncoderArchitecture, vectorSize: Int
    ) throws(CheckpointError) {
        func linear(_ scope: ParameterScope, from inputSize: Int, to outputSize: Int) throws(CheckpointError) -> Linear
        {
            try Linear(
                scope, inputSize: inputSize, outputSize: outputSize, standardDeviation: architecture.initializerRange)
        }
        value = try linear(scope["self"]["value"], from: vectorSize, to: architecture.attentionSize)
        dense = try linear(scope["output"]["dense"], from: architecture.attentionSize, to: architecture.hiddenSize)
        layerNorm = try LayerNorm(
            scope["output"]["LayerNorm"], size: architecture.hiddenSize, architecture.normalization)
        dropout = architecture.attentionOutputDropout ?? architecture.hiddenDropoutProb
    }

    /// - Parameters:
    ///   - hidden: `[tokens, hiddenSize]`
    ///   - vectors: `[texts, vectorSize]`
    ///   - texts: of each token the index of its text.
    /// - Returns: `[tokens, hiddenSize]`
    public func forward(
        _ hidden: Tensor, _ vectors: Tensor, _ texts: [Int32], training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        let (values, valueSaved) = value.forward(vectors)
        let (projected, denseSaved) = dense.forward(values)
        let mask = DropoutMask(probability: dropout, random: random)
        let (output, rows) = layerNorm.forward(projected.gather(texts), addedTo: hidden, dropping: mask)
        return (output, Saved(texts: texts, value: valueSaved, dense: denseSaved, layerNorm: rows, mask: mask))
    }

    /// Adds to the gradients, and adds that of the vectors to `vectors`.
    ///
    /// - Returns: the gradient of `hidden`.
    public func backward(_ gradient: Tensor, _ saved: Saved, addingTo vectors: inout Tensor) -> Tensor {
        let (input, residual) = layerNorm.backward(gradient, saved.layerNorm, dropping: saved.mask)
        var projected = Tensor.zeros([vectors.rows, gradient.columns])
        projected.scatterAdd(input, at: saved.texts)
        value.backward(dense.backward(projected, saved.dense), saved.value, addingTo: &vectors)
        return residual
    }
}
