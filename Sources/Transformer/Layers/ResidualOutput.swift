public import Tensors

/// `LayerNorm(residual + dropout(x·Wᵀ + b))`: how each half of a layer ends; without the normalization in pre-norm layers.
///
/// Source: Vaswani et al. 2017, §3.1 and §5.4.
public final class ResidualOutput {
    public let dense: Linear
    public let layerNorm: LayerNorm?
    let dropout: Float
    /// What stands between the dense layer and the normalization.
    var adapters: AdapterBlock?

    public struct Saved: Sendable {
        let dense: Linear.Saved
        let layerNorm: LayerNorm.Saved?
        let mask: DropoutMask?
        var adapters: AdapterBlock.Saved?
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
        let (projected, denseSaved) = dense.forward(input, training: random)
        let mask = DropoutMask(probability: dropout, random: random)
        if let adapters, !adapters.isSkipped {
            var hidden = projected
            hidden.apply(mask)
            let (output, saved) = adapters.forward(hidden, residual: residual, layerNorm, training: random)
            return (output, Saved(dense: denseSaved, layerNorm: nil, mask: mask, adapters: saved))
        }
        guard let layerNorm else {
            var sum = projected
            sum.apply(mask)
            sum += residual
            return (sum, Saved(dense: denseSaved, layerNorm: nil, mask: mask))
        }
        let (output, rows) = layerNorm.forward(projected, addedTo: residual, dropping: mask)
        return (output, Saved(dense: denseSaved, layerNorm: rows, mask: mask))
    }

    /// Adds to the gradients, and returns the gradients of the input and of the residual.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> (input: Tensor, residual: Tensor) {
        if let adapters, let inner = saved.adapters {
            var (hidden, residual) = adapters.backward(gradient, inner, layerNorm)
            hidden.apply(saved.mask)
            return (dense.backward(hidden, saved.dense), residual)
        }
        guard let layerNorm, let rows = saved.layerNorm else {
            var dropped = gradient
            dropped.apply(saved.mask)
            return (dense.backward(dropped, saved.dense), gradient)
        }
        let (dropped, residual) = layerNorm.backward(gradient, rows, dropping: saved.mask)
        return (dense.backward(dropped, saved.dense), residual)
    }
}
