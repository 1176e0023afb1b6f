public import Tensors

/// The mean of `½·d²` where `|d| ≤ δ` and of `δ·(|d| - ½·δ)` elsewhere, and its gradient: far-off targets pull no harder
/// than near ones.
///
/// Source: Huber 1964, "Robust Estimation of a Location Parameter", §2, as `torch.nn.HuberLoss` has it.
public struct HuberLoss: Equatable, Sendable {
    public var delta: Double

    public init(delta: Double = 1) { self.delta = delta }

    /// - Parameters:
    ///   - values: `[examples, outputs]`
    ///   - targets: of the same shape.
    /// - Returns: the loss, and its gradient by the values.
    public func evaluate(_ values: Tensor, targets: Tensor) -> (loss: Double, gradient: Tensor) {
        precondition(targets.shape == values.shape, "targets \(targets.shape) for \(values.shape)")
        var sum = 0.0
        var gradient = values
        gradient.mutate { differences in
            for i in differences.indices {
                let difference = Double(differences[i] - targets.values[i])
                let size = abs(difference)
                sum += size <= delta ? 0.5 * size * size : delta * (size - 0.5 * delta)
                differences[i] = Float(min(max(difference, -delta), delta) / Double(values.count))
            }
        }
        return (sum / Double(values.count), gradient)
    }
}
