public import Tensors

/// What the best weights say of the dev set, looked at from all sides.
public struct DevAnalysis: Sendable {
    /// A text that was answered wrongly.
    public struct Mistake: Equatable, Sendable {
        /// From 0.
        public let index: Int
        public let given: String
        public let predicted: String
        /// Of the wrong answer; for numbers how far it is off.
        public let score: Double
    }

    let labels: [String]
    let targets: Targets
    let logits: Tensor
    /// By the head's function, before calibration.
    let scores: Tensor
    let metrics: EvaluationMetrics
    /// `nil` for numbers.
    public let temperature: TemperatureScaling?
    let threshold: Float

    /// - Parameter logits: of the dev set, by the weights that were kept.
    public init(_ classifier: any TextClassifier, logits: Tensor, targets: Targets) {
        labels = classifier.labels
        self.targets = targets
        self.logits = logits
        scores = classifier.scores(logits)
        metrics = classifier.evaluate(logits: logits, targets: targets)
        temperature = TemperatureScaling(logits, targets)
        threshold = classifier.threshold
    }

    var examples: Int { targets.count }

    /// Before, and where a temperature was fitted after it.
    var reliability: (raw: Reliability, calibrated: Reliability?)? {
        guard let raw = targets.reliability(scores) else { return nil }
        guard let temperature else { return (raw, nil) }
        let scaled = TemperatureScaling.scaled(logits, by: Double(temperature.temperature))
        let calibrated: Tensor
        if case .classes = targets { calibrated = scaled.softmaxedRows() } else { calibrated = scaled.sigmoided() }
        return (raw, targets.reliability(calibrated))
    }

    /// The worst first: wrong labels by the score they got, wrong sets by the least probable answer in them, numbers by
    /// their distance.
    public func mistakes(_ count: Int) -> [Mistake] {
        let all: [Mistake] = (0..<examples).compactMap { row in
            switch targets {
            case .classes(let classes): mistake(row, given: classes[row])
            case .labelSets(let sets): mistake(row, given: Array(sets.row(row)))
            case .values(let values): mistake(row, given: Array(values.row(row)), digits: 3)
            case .tags: nil
            }
        }
        return Array(all.sorted { ($1.score, $0.index) < ($0.score, $1.index) }.prefix(count))
    }

    private func mistake(_ row: Int, given: Int) -> Mistake? {
        let best = scores.bestColumn(ofRow: row)
        guard best != given else { return nil }
        return Mistake(
            index: row, given: labels[given], predicted: labels[best],
            score: Double(scores.values[row * scores.columns + best]))
    }

    private func mistake(_ row: Int, given: [Float]) -> Mistake? {
        let scores = Array(self.scores.row(row))
        let wrong = scores.indices.filter { (given[$0] > 0.5) != (scores[$0] >= threshold) }
        guard !wrong.isEmpty else { return nil }
        let surprise = wrong.map { given[$0] > 0.5 ? 1 - scores[$0] : scores[$0] }.max() ?? 0
        func list(_ isIn: (Int) -> Bool) -> String {
            let names = labels.indices.filter(isIn).map { labels[$0] }
            return names.isEmpty ? "none" : names.joined(separator: ", ")
        }
        return Mistake(
            index: row, given: list { given[$0] > 0.5 }, predicted: list { scores[$0] >= threshold },
            score: Double(surprise))
    }

    private func mistake(_ row: Int, given: [Float], digits: Int) -> Mistake? {
        let predicted = Array(scores.row(row))
        let distance = zip(given, predicted).map { abs(Double($0) - Double($1)) }.max() ?? 0
        func list(_ values: [Float]) -> String { values.map { fixed(Double($0), digits) }.joined(separator: ", ") }
        return Mistake(index: row, given: list(given), predicted: list(predicted), score: distance)
    }
}
