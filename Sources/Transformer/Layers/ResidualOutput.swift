public import Tensors

/// `LayerNorm(residual + dropout(x·Wᵀ + b))`: how each half of a layer ends; without the normalization in pre-norm layers.
///
/// Source: Vaswani et al. 2017, §3.1 and §5.4.
public final class ResidualOutput {
    public let dense: Linear
    public let layerNorm: LayerNorm?
    let dropout: Float

    public struct Saved: Sendable {
        let dense: Linear.Saved
        let layerNorm: LayerNorm.Saved?
        let mask: DropoutMask?
    }

    public init(dense: Linear, layerNorm: LayerNorm?, dropout: Float) {
        self.dense = dense
        self.layerNorm = layerNorm
        self.dropout = dropout
    }

    /// - Parameters: `input` is `[tokens, inputSize]`, `residual` is `[tokens, outputSize]`.
    public func forward(
        _ input: Tensor, residual: Tensor, training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        var (sum, denseSaved) = dense.forward(input)
        let mask = DropoutMask(probability: dropout, random: random)
        sum.apply(mask)
        sum += residual
        let normalized = layerNorm?.forward(sum)
        return (normalized?.output ?? sum, Saved(dense: denseSaved, layerNorm: normalized?.saved, mask: mask))
    }

    /// Adds to the gradients, and returns the gradients of the input and of the residual.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> (input: Tensor, residual: Tensor) {
        var residual = gradient
        if let layerNorm, let rows = saved.layerNorm { residual = layerNorm.backward(gradient, rows) }
        var dropped = residual
        dropped.apply(saved.mask)
        return (dense.backward(dropped, saved.dense), residual)
    }
}
