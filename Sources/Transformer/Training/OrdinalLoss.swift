import Glibc
public import Tensors

/// Cross-entropy of the questions "is the label above k?" for labels that have an order, and its gradient: a label that is
/// two steps off is wrong twice.
///
/// The answers are sums of the softmax's probabilities, so the head stays one of single labels. Without the logarithm this
/// is the ranked probability score. Source: Epstein 1969, "A Scoring System for Probability Forecasts of Ranked
/// Categories"; the questions: Frank and Hall 2001, "A Simple Approach to Ordinal Classification", §2.
public struct OrdinalLoss: Equatable, Sendable {
    /// What an example of each label counts; `nil` is 1 for all.
    public var weights: [Double]?

    public init(weights: [Double]? = nil) { self.weights = weights }

    /// What examples count together: the sum of their labels' weights.
    public func weight(of targets: [Int]) -> Double { CrossEntropyLoss(weights: weights).weight(of: targets) }

    /// - Parameters:
    ///   - logits: `[examples, labels]`, in the labels' order.
    ///   - targets: for each example the index of its label
    /// - Returns: the weighted mean over the examples of the sum over the questions, and its gradient by the logits.
    public func evaluate(_ logits: Tensor, targets: [Int]) -> (loss: Double, gradient: Tensor) {
        let labels = logits.columns
        precondition(targets.count == logits.rows, "\(targets.count) targets for \(logits.shape)")
        var gradient = Tensor.zeros(logits.shape)
        var sum = 0.0
        let total = weight(of: targets)
        guard total > 0 else { return (0, gradient) }
        gradient.mutate { values in
            for (row, target) in targets.enumerated() {
                let weight = (weights?[target] ?? 1) / total
                let (loss, slopes) = example(logits.row(row).map(Double.init), target)
                sum += weight * loss
                for label in 0..<labels { values[row * labels + label] = Float(weight * slopes[label]) }
            }
        }
        return (sum, gradient)
    }

    private func example(_ logits: [Double], _ target: Int) -> (loss: Double, slopes: [Double]) {
        let labels = logits.count
        let largest = logits.max() ?? 0
        let powers = logits.map { exp($0 - largest) }
        let all = powers.reduce(0, +)
        let probabilities = powers.map { $0 / all }
        var loss = 0.0
        var slopes = [Double](repeating: 0, count: labels)
        for question in 0..<labels - 1 {
            // The right answer's labels lie below the target's question or above it.
            let right = question < target ? question + 1..<labels : 0..<question + 1
            let share = max(right.reduce(0) { $0 + powers[$1] }, .leastNormalMagnitude)
            loss += log(all) - log(share)
            // d/dz of log Σ all - log Σ right.
            for label in 0..<labels { slopes[label] += probabilities[label] }
            for label in right { slopes[label] -= powers[label] / share }
        }
        return (loss, slopes)
    }
}
