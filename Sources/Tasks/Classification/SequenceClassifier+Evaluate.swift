public import Tensors
import Transformer

extension SequenceClassifier {
    /// What examples ask of this head.
    public func targets(_ examples: LabelledExamples) throws(CorpusError) -> Targets {
        try examples.targets(labels, for: problem)
    }

    /// Compares what the logits say with what they are to say.
    ///
    /// - Parameter targets: of the head's kind of problem.
    public func evaluate(logits: Tensor, targets: Targets) -> EvaluationMetrics {
        let loss = targets.count == 0 ? nil : targets.loss(logits).loss
        switch targets {
        case .classes(let indices):
            let predictions = (0..<logits.rows).map { row in
                let values = logits.row(row)
                return values.indices.max { values[$0] < values[$1] }! - values.startIndex
            }
            return .classification(
                ClassificationMetrics(labels: labels, targets: indices, predictions: predictions, loss: loss))
        case .labelSets(let sets):
            let scores = scores(logits)
            return .multiLabel(
                MultiLabelMetrics(
                    labels: labels, targets: (0..<sets.rows).map { sets.row($0).map { $0 > 0.5 } },
                    predictions: (0..<scores.rows).map { scores.row($0).map { $0 >= threshold } }, loss: loss))
        case .values(let values):
            return .regression(RegressionMetrics(targets: values, predictions: scores(logits)))
        case .tags: preconditionFailure("tags of words for a classifier of texts")
        }
    }
}
