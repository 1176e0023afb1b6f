public import Tensors
import Transformer

extension SequenceClassifier {
    /// Compares the largest logits with the given labels.
    public func evaluate(logits: Tensor, targets: [Int]) -> ClassificationMetrics {
        let predictions = (0..<logits.rows).map { row in
            let values = logits.row(row)
            return values.indices.max { values[$0] < values[$1] }! - values.startIndex
        }
        let loss = targets.isEmpty ? nil : CrossEntropyLoss.evaluate(logits, targets: targets).loss
        return ClassificationMetrics(labels: labels, targets: targets, predictions: predictions, loss: loss)
    }
}
