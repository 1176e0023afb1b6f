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

    /// Adds to the gradients of `weight` and `bias`, and returns the gradient of the input.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        weight.accumulate { $0.addSumOfRows(gradient, times: saved.rows.normalized) }
        bias?.accumulate { $0.addSumOfRows(gradient) }
        var inputGradient = gradient
        inputGradient.backpropagate(through: saved.rows, weight: weight.value)
        return inputGradient
    }
}
