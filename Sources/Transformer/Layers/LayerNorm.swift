public import Checkpoints
public import Tensors

/// `y = (x - mean) / √(variance + ε) · weight + bias` for every row; without centering and bias, RMS normalization.
///
/// Sources: Ba, Kiros and Hinton 2016, "Layer Normalization", §3; Zhang and Sennrich 2019, "Root Mean Square Layer
/// Normalization", §4.
public final class LayerNorm {
    public let weight: Parameter  // [size]
    public let bias: Parameter?  // [size]
    public let kind: NormalizationKind

    public struct Saved: Sendable {
        let rows: Tensor.NormalizedRows
    }

    public init(_ scope: ParameterScope, size: Int, _ kind: NormalizationKind) throws(CheckpointError) {
        weight = try scope.parameter("weight", [size], .ones)
        bias = kind.hasBias ? try scope.parameter("bias", [size], .zeros) : nil
        self.kind = kind
    }

    public func forward(_ input: Tensor) -> (output: Tensor, saved: Saved) {
        let rows = input.normalizedRows(epsilon: kind.epsilon, isCentered: kind.isCentered)
        return (rows.normalized.scaledRows(weight: weight.value, bias: bias?.value), Saved(rows: rows))
    }

    /// The same of `residual + dropout(input)`.
    public func forward(
        _ input: consuming Tensor, addedTo residual: Tensor, dropping mask: DropoutMask?
    ) -> (output: Tensor, saved: Saved) {
        let (output, rows) = input.normalizedSum(
            with: residual, dropping: mask, epsilon: kind.epsilon, isCentered: kind.isCentered,
            weight: weight.value, bias: bias?.value)
        return (output, Saved(rows: rows))
    }

    /// Adds to the gradients of `weight` and `bias`, and returns the gradient of the input.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        backward(gradient, saved, dropping: nil).residual
    }

    /// Adds to the gradients of `weight` and `bias`, and returns those of what was dropped from and of the residual.
    public func backward(
        _ gradient: Tensor, _ saved: Saved, dropping mask: DropoutMask?
    ) -> (input: Tensor, residual: Tensor) {
        let gradients = saved.rows.gradients(gradient, weight: weight.value, dropping: mask)
        weight.accumulate { $0 += gradients.weight }
        bias?.accumulate { $0 += gradients.bias }
        return (gradients.input, gradients.sum)
    }
}
