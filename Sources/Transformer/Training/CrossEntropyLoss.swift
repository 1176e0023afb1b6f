public import Tensors

/// The mean of `-log softmax(logits)[target]`, and its gradient.
public enum CrossEntropyLoss {
    /// - Parameters:
    ///   - logits: `[examples, labels]`
    ///   - targets: for each example the index of its label
    /// - Returns: the loss, and its gradient by the logits.
    public static func evaluate(_ logits: Tensor, targets: [Int]) -> (loss: Double, gradient: Tensor) {
        let labels = logits.columns
        precondition(targets.count == logits.rows, "\(targets.count) targets for \(logits.shape)")
        precondition(targets.allSatisfy { (0..<labels).contains($0) }, "target outside \(labels) labels")
        let logProbabilities = logits.logSoftmaxedRows()
        var loss = 0.0
        var gradient = logits.softmaxedRows()
        gradient.mutate { values in
            for (row, target) in targets.enumerated() {
                loss -= Double(logProbabilities.values[row * labels + target])
                values[row * labels + target] -= 1
            }
        }
        gradient.scale(by: 1 / Float(targets.count))
        return (loss / Double(targets.count), gradient)
    }
}
