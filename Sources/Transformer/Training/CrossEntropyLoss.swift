import Glibc
public import Tensors

/// `-log softmax(logits)[target]`, and its gradient.
///
/// With label smoothing, a share of the target is spread over all labels. Source: Szegedy et al. 2016, "Rethinking the
/// Inception Architecture for Computer Vision", §7, as `torch.nn.CrossEntropyLoss` has it. With a focus, examples that the
/// model is sure of count less. Source: Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 4.
public struct CrossEntropyLoss: Equatable, Sendable {
    /// The share of the target that is spread over all labels.
    public var smoothing: Double
    /// The exponent γ of focal loss; 0 is plain cross-entropy.
    public var focus: Double
    /// What an example of each label counts; `nil` is 1 for all.
    public var weights: [Double]?

    /// - Precondition: not both smoothing and focus.
    public init(smoothing: Double = 0, focus: Double = 0, weights: [Double]? = nil) {
        precondition(smoothing == 0 || focus == 0, "label smoothing and focal loss together")
        self.smoothing = smoothing
        self.focus = focus
        self.weights = weights
    }

    /// The plain mean.
    public static func evaluate(_ logits: Tensor, targets: [Int]) -> (loss: Double, gradient: Tensor) {
        CrossEntropyLoss().evaluate(logits, targets: targets)
    }

    /// What examples count together: the sum of their labels' weights.
    public func weight(of targets: [Int]) -> Double {
        guard let weights else { return Double(targets.count) }
        return targets.reduce(0) { $0 + weights[$1] }
    }

    /// - Parameters:
    ///   - logits: `[examples, labels]`
    ///   - targets: for each example the index of its label
    /// - Returns: the weighted mean over the examples, and its gradient by the logits.
    public func evaluate(_ logits: Tensor, targets: [Int]) -> (loss: Double, gradient: Tensor) {
        let labels = logits.columns
        precondition(targets.count == logits.rows, "\(targets.count) targets for \(logits.shape)")
        precondition(targets.allSatisfy { (0..<labels).contains($0) }, "target outside \(labels) labels")
        var (gradient, logSums) = logits.softmaxedRowsWithLogs()
        var sum = 0.0
        let weight = weight(of: targets)
        gradient.mutate { values in
            for (row, target) in targets.enumerated() {
                let example = Example(labels: row * labels..<(row + 1) * labels, target: target, logSum: logSums[row])
                sum += loss(of: example, logits, &values)
            }
        }
        // Where every example counts nothing.
        guard weight > 0 else { return (0, .zeros(logits.shape)) }
        gradient.scale(by: Float(1 / weight))
        return (sum / weight, gradient)
    }

    /// A row of the logits.
    private struct Example {
        /// The indices of its values.
        let labels: Range<Int>
        let target: Int
        /// What is to be taken from its logits to have the logarithms of the probabilities.
        let logSum: Float

        func log(_ logits: Tensor, label: Int) -> Double {
            Double(logits.values[labels.lowerBound + label] - logSum)
        }
    }

    /// The loss of one example.
    ///
    /// - Parameter gradient: the probabilities of all examples, of which its own become the gradient.
    private func loss(of example: Example, _ logits: Tensor, _ gradient: inout [Float]) -> Double {
        let (labels, target) = (example.labels, example.target)
        let place = labels.lowerBound + target
        let weight = weights?[target] ?? 1
        let log = example.log(logits, label: target)
        if focus > 0 {
            // d/dlog p of -(1 - p)^γ·log p, times d log p/dlogits.
            let probability = Double(gradient[place])
            let rest = 1 - probability
            guard rest > 0 else {
                for index in labels { gradient[index] = 0 }
                return 0
            }
            let power = pow(rest, focus - 1)
            let slope = weight * (power * rest - focus * probability * power * log)
            gradient[place] -= 1
            for index in labels { gradient[index] *= Float(slope) }
            return -weight * power * rest * log
        }
        guard smoothing > 0 else {
            gradient[place] -= 1
            if weight != 1 { for index in labels { gradient[index] *= Float(weight) } }
            return -weight * log
        }
        let share = smoothing / Double(labels.count)
        let total = (weights?.reduce(0, +) ?? Double(labels.count)) * share + (1 - smoothing) * weight
        var spread = 0.0
        for label in 0..<labels.count {
            let labelWeight = (weights?[label] ?? 1) * share
            spread -= labelWeight * example.log(logits, label: label)
            let index = labels.lowerBound + label
            gradient[index] = Float(Double(gradient[index]) * total - labelWeight)
        }
        gradient[place] -= Float((1 - smoothing) * weight)
        return spread - (1 - smoothing) * weight * log
    }
}
