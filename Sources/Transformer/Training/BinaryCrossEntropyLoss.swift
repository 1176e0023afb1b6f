import Glibc
public import Tensors

/// The mean over all examples and labels of `-y·log σ(x) - (1 - y)·log(1 - σ(x))`, and its gradient: every label is a
/// question of its own.
///
/// With a focus, answers that the model is sure of count less. Source: Lin et al. 2017, "Focal Loss for Dense Object
/// Detection", equation 4.
public struct BinaryCrossEntropyLoss: Equatable, Sendable {
    /// The exponent γ of focal loss; 0 is plain cross-entropy.
    public var focus: Double
    /// What a yes of each label counts, a no being 1, as `pos_weight` of `torch.nn.BCEWithLogitsLoss`; `nil` is 1 for all.
    public var weights: [Double]?

    public init(focus: Double = 0, weights: [Double]? = nil) {
        self.focus = focus
        self.weights = weights
    }

    /// The plain mean.
    public static func evaluate(_ logits: Tensor, targets: Tensor) -> (loss: Double, gradient: Tensor) {
        BinaryCrossEntropyLoss().evaluate(logits, targets: targets)
    }

    /// - Parameters:
    ///   - logits: `[examples, labels]`
    ///   - targets: 1 where the example has the label, else 0; `[examples, labels]`
    /// - Returns: the loss, and its gradient by the logits.
    public func evaluate(_ logits: Tensor, targets: Tensor) -> (loss: Double, gradient: Tensor) {
        precondition(targets.shape == logits.shape, "targets \(targets.shape) for \(logits.shape)")
        let labels = logits.columns
        var loss = 0.0
        var gradient = logits
        gradient.mutate { values in
            for i in values.indices {
                let weight = weights?[i % labels] ?? 1
                let y = Double(targets.values[i])
                let (yes, no) = answers(Double(values[i]))
                loss += weight * y * yes.loss + (1 - y) * no.loss
                values[i] = Float((weight * y * yes.slope - (1 - y) * no.slope) / Double(logits.count))
            }
        }
        return (loss / Double(logits.count), gradient)
    }

    private typealias Answer = (loss: Double, slope: Double)

    /// `-(1 - σ(x))^γ·log σ(x)` and its slope at `x`, and both at `-x`.
    private func answers(_ x: Double) -> (yes: Answer, no: Answer) {
        // log(1 + exp(-x)) and σ(x), in the forms that do not overflow.
        let small = exp(-abs(x))
        let log = log1p(small)
        let (sure, unsure) = (1 / (1 + small), small / (1 + small))
        return (
            answer(loss: max(-x, 0) + log, rest: x > 0 ? unsure : sure),
            answer(loss: max(x, 0) + log, rest: x > 0 ? sure : unsure)
        )
    }

    /// - Parameters:
    ///   - loss: without a focus.
    ///   - rest: what the answer's probability lacks.
    private func answer(loss: Double, rest: Double) -> Answer {
        guard focus > 0 else { return (loss, -rest) }
        let power = pow(rest, focus)
        return (power * loss, -power * (focus * (1 - rest) * loss + rest))
    }
}
