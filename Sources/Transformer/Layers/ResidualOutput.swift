public import Checkpoints
public import Tensors

/// `LayerNorm(residual + dropout(x·Wᵀ + b))`: how each half of a BERT layer ends.
///
/// Source: Devlin et al. 2019, "BERT", after Vaswani et al. 2017, §3.1 and §5.4.
public final class ResidualOutput {
    public let dense: Linear
    public let layerNorm: LayerNorm
    let dropout: Float

    public struct Saved: Sendable {
        let dense: Linear.Saved
        let layerNorm: LayerNorm.Saved
        let mask: DropoutMask?
    }

    public init(
        _ scope: ParameterScope, inputSize: Int, outputSize: Int, epsilon: Float, dropout: Float,
        standardDeviation: Float
    ) throws(CheckpointError) {
        dense = try Linear(
            scope["dense"], inputSize: inputSize, outputSize: outputSize, standardDeviation: standardDeviation)
        layerNorm = try LayerNorm(scope["LayerNorm"], size: outputSize, epsilon: epsilon)
        self.dropout = dropout
    }

    /// - Parameters: `input` is `[tokens, inputSize]`, `residual` is `[tokens, outputSize]`.
    public func forward(
        _ input: Tensor, residual: Tensor, training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        let (projected, denseSaved) = dense.forward(input)
        let mask = DropoutMask(probability: dropout, random: random)
        let (output, layerNormSaved) = layerNorm.forward(projected, addedTo: residual, dropping: mask)
        return (output, Saved(dense: denseSaved, layerNorm: layerNormSaved, mask: mask))
    }

    /// Adds to the gradients, and returns the gradients of the input and of the residual.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> (input: Tensor, residual: Tensor) {
        let (dropped, residual) = layerNorm.backward(gradient, saved.layerNorm, dropping: saved.mask)
        return (dense.backward(dropped, saved.dense), residual)
    }
}
