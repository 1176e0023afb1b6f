public import Tensors

/// The mean of `(x - y)²`, and its gradient.
public enum MeanSquaredErrorLoss {
    /// - Parameters:
    ///   - values: `[examples, outputs]`
    ///   - targets: of the same shape.
    /// - Returns: the loss, and its gradient by the values.
    public static func evaluate(_ values: Tensor, targets: Tensor) -> (loss: Double, gradient: Tensor) {
        precondition(targets.shape == values.shape, "targets \(targets.shape) for \(values.shape)")
        var gradient = values
        gradient.mutate { differences in
            for i in differences.indices { differences[i] -= targets.values[i] }
        }
        let loss = gradient.sumOfSquares / Double(values.count)
        gradient.scale(by: 2 / Float(values.count))
        return (loss, gradient)
    }
}
