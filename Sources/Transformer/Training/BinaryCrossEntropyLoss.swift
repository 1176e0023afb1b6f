import Glibc
public import Tensors

/// The mean over all examples and labels of `-y·log σ(x) - (1 - y)·log(1 - σ(x))`, and its gradient: every label is a
/// question of its own.
public enum BinaryCrossEntropyLoss {
    /// - Parameters:
    ///   - logits: `[examples, labels]`
    ///   - targets: 1 where the example has the label, else 0; `[examples, labels]`
    /// - Returns: the loss, and its gradient by the logits.
    public static func evaluate(_ logits: Tensor, targets: Tensor) -> (loss: Double, gradient: Tensor) {
        precondition(targets.shape == logits.shape, "targets \(targets.shape) for \(logits.shape)")
        var loss = 0.0
        for (x, y) in zip(logits.values, targets.values) {
            // log(1 + exp(x)) - x·y, in the form that does not overflow.
            loss += Double(max(x, 0) - x * y) + log1p(exp(-Double(abs(x))))
        }
        var gradient = logits.sigmoided()
        gradient.mutate { values in
            for i in values.indices { values[i] -= targets.values[i] }
        }
        gradient.scale(by: 1 / Float(logits.count))
        return (loss / Double(logits.count), gradient)
    }
}
