/// How well predicted labels agree with given ones.
public struct ClassificationMetrics: Codable, Equatable, Sendable {
    public struct PerLabel: Equatable, Sendable {
        public let label: String
        /// Examples that have the label.
        public let support: Int
        /// Of the examples given the label, the share that have it; 0 where none was given it.
        public let precision: Double
        /// Of the examples that have the label, the share that were given it; 0 where none has it.
        public let recall: Double
        /// The harmonic mean of both; 0 where both are.
        public let f1: Double
    }

    public let labels: [String]
    /// `[given][predicted]`: the number of examples.
    public let confusion: [[Int]]
    /// The mean cross-entropy, where probabilities are known.
    public let loss: Double?

    public init(labels: [String], targets: [Int], predictions: [Int], loss: Double? = nil) {
        precondition(targets.count == predictions.count, "\(targets.count) targets, \(predictions.count) predictions")
        self.labels = labels
        self.loss = loss
        var confusion = [[Int]](repeating: [Int](repeating: 0, count: labels.count), count: labels.count)
        for (target, prediction) in zip(targets, predictions) { confusion[target][prediction] += 1 }
        self.confusion = confusion
    }

    public var examples: Int { confusion.reduce(0) { $0 + $1.reduce(0, +) } }
    public var correct: Int { labels.indices.reduce(0) { $0 + confusion[$1][$1] } }
    public var accuracy: Double { examples == 0 ? 0 : Double(correct) / Double(examples) }

    public var perLabel: [PerLabel] {
        labels.indices.map { index in
            let right = Double(confusion[index][index])
            let support = confusion[index].reduce(0, +)
            let predicted = confusion.reduce(0) { $0 + $1[index] }
            let precision = predicted == 0 ? 0 : right / Double(predicted)
            let recall = support == 0 ? 0 : right / Double(support)
            let f1 = precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall)
            return PerLabel(label: labels[index], support: support, precision: precision, recall: recall, f1: f1)
        }
    }

    /// The mean of the labels' F1, each counting the same. Labels without examples and predictions count as 0, as
    /// scikit-learn counts them.
    public var macroF1: Double { labels.isEmpty ? 0 : perLabel.reduce(0) { $0 + $1.f1 } / Double(labels.count) }

    /// The range that holds the accuracy with a confidence of 95 %.
    public var accuracyInterval: ClosedRange<Double> { wilsonInterval(correct, of: examples) }
}

extension ClassificationMetrics {
    /// More accurate, or as accurate with a smaller loss.
    func isBetter(than other: ClassificationMetrics) -> Bool {
        (accuracy, -(loss ?? 0)) > (other.accuracy, -(other.loss ?? 0))
    }
}
