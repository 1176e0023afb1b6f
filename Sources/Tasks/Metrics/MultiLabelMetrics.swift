/// How well predicted sets of labels agree with given ones.
public struct MultiLabelMetrics: Codable, Equatable, Sendable {
    /// How often a label was right, given wrongly and missed.
    public struct Counts: Codable, Equatable, Sendable {
        public var truePositives = 0
        public var falsePositives = 0
        public var falseNegatives = 0

        public init() {}

        /// Examples that have the label.
        public var support: Int { truePositives + falseNegatives }
        /// 0 where none was given the label.
        public var precision: Double { share(truePositives, truePositives + falsePositives) }
        /// 0 where none has it.
        public var recall: Double { share(truePositives, support) }
        /// The harmonic mean of both; 0 where nothing was given and nothing asked for.
        public var f1: Double { share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives) }

        private func share(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }

        static func += (sum: inout Counts, other: Counts) {
            sum.truePositives += other.truePositives
            sum.falsePositives += other.falsePositives
            sum.falseNegatives += other.falseNegatives
        }
    }

    public let labels: [String]
    public let perLabel: [Counts]
    public let examples: Int
    /// Examples whose labels are all right.
    public let exactMatches: Int
    /// The mean binary cross-entropy.
    public let loss: Double?

    /// - Parameters:
    ///   - targets: for each example and label whether the example has it.
    ///   - predictions: the same of what was predicted.
    public init(labels: [String], targets: [[Bool]], predictions: [[Bool]], loss: Double? = nil) {
        precondition(targets.count == predictions.count, "\(targets.count) targets, \(predictions.count) predictions")
        self.labels = labels
        self.loss = loss
        examples = targets.count
        exactMatches = zip(targets, predictions).count { $0 == $1 }
        var perLabel = [Counts](repeating: Counts(), count: labels.count)
        for (target, prediction) in zip(targets, predictions) {
            for label in labels.indices {
                switch (target[label], prediction[label]) {
                case (true, true): perLabel[label].truePositives += 1
                case (false, true): perLabel[label].falsePositives += 1
                case (true, false): perLabel[label].falseNegatives += 1
                case (false, false): break
                }
            }
        }
        self.perLabel = perLabel
    }

    /// Of all decisions together: `f1` is the micro-F1.
    public var micro: Counts { perLabel.reduce(into: Counts()) { $0 += $1 } }
    /// The mean of the labels' F1, each counting the same.
    public var macroF1: Double { labels.isEmpty ? 0 : perLabel.reduce(0) { $0 + $1.f1 } / Double(labels.count) }
    public var exactMatch: Double { examples == 0 ? 0 : Double(exactMatches) / Double(examples) }
}
