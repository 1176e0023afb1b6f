public import Tensors
import Transformer

/// What gives texts labels or numbers: a transformer with a head, or word vectors with one.
public protocol TextClassifier: AnyObject {
    /// In the order of the logits.
    var labels: [String] { get }
    var problem: ProblemType { get }
    /// Whether the number of a head with one output is a score, and not a quantity that it was fitted to.
    var givesScore: Bool { get }
    /// Whether the model takes two texts as one input.
    var acceptsPairs: Bool { get }
    /// The score from which on a label is given, where a text may have several.
    var threshold: Float { get set }
    /// What the logits are divided by before they become probabilities.
    var temperature: Float { get set }

    /// The logits of texts, `[inputs.count, labels.count]`; a text's do not depend on the others.
    func logits(of inputs: [InputText]) -> Tensor

    /// What makes scores of logits.
    var scoring: ScoreFunction { get }
}

extension TextClassifier {
    /// Probabilities of single labels, one probability a label, or the numbers themselves, as the head was published.
    public func scores(_ logits: Tensor) -> Tensor {
        switch scoring {
        case .softmax: tempered(logits).softmaxedRows()
        case .sigmoid: tempered(logits).sigmoided()
        case .identity: logits
        }
    }

    private func tempered(_ logits: Tensor) -> Tensor {
        temperature == 1 ? logits : TemperatureScaling.scaled(logits, by: Double(temperature))
    }

    /// What examples ask of this head.
    public func targets(_ examples: LabelledExamples) throws(CorpusError) -> Targets {
        try examples.targets(labels, for: problem)
    }

    /// Compares what the logits say with what they are to say.
    ///
    /// - Parameter targets: of the head's kind of problem.
    public func evaluate(logits: Tensor, targets: Targets) -> EvaluationMetrics {
        EvaluationMetrics(
            logits: logits, scores: scores(logits), targets: targets, labels: labels, threshold: threshold)
    }
}

extension EvaluationMetrics {
    /// Compares what logits say with what they are to say.
    ///
    /// - Parameters:
    ///   - scores: of the logits.
    ///   - threshold: the score from which on a label is given, where a text may have several.
    init(logits: Tensor, scores: Tensor, targets: Targets, labels: [String], threshold: Float) {
        let loss = targets.count == 0 ? nil : targets.loss(logits).loss
        switch targets {
        case .classes(let indices):
            let predictions = (0..<logits.rows).map { row in
                let values = logits.row(row)
                return values.indices.max { values[$0] < values[$1] }! - values.startIndex
            }
            self = .classification(
                ClassificationMetrics(labels: labels, targets: indices, predictions: predictions, loss: loss))
        case .labelSets(let sets):
            self = .multiLabel(
                MultiLabelMetrics(
                    labels: labels, targets: (0..<sets.rows).map { sets.row($0).map { $0 > 0.5 } },
                    predictions: (0..<scores.rows).map { scores.row($0).map { $0 >= threshold } }, loss: loss))
        case .values(let values):
            self = .regression(RegressionMetrics(targets: values, predictions: scores))
        case .tags: preconditionFailure("tags of words for a classifier of texts")
        }
    }
}
