public import Tensors

/// How well similarities tell pairs that belong together from others.
///
/// Source: sentence-transformers' `BinaryClassificationEvaluator`.
public struct PairMetrics: Codable, Equatable, Sendable {
    public struct Separation: Codable, Equatable, Sendable {
        /// With the best threshold.
        public let accuracy: Double
        public let accuracyThreshold: Double
        /// With the best threshold.
        public let f1: Double
        public let f1Threshold: Double
        public let precision: Double
        public let recall: Double
        /// The mean of the precision over the recall.
        public let averagePrecision: Double
    }

    public let examples: Int
    public let cosine: Separation
    public let dot: Separation
    /// Thresholds are distances.
    public let euclidean: Separation
    public let manhattan: Separation

    /// - Parameter labels: whether each pair belongs together.
    public init(_ a: Tensor, _ b: Tensor, labels: [Bool]) {
        examples = labels.count
        func separation(_ similarity: Similarity) -> Separation {
            let isDistance = similarity == .euclidean || similarity == .manhattan
            return Separation(similarity.ofRows(a, b), labels, isDistance: isDistance)
        }
        cosine = separation(.cosine)
        dot = separation(.dot)
        euclidean = separation(.euclidean)
        manhattan = separation(.manhattan)
    }

    public var all: [(name: String, separation: Separation)] {
        [("cosine", cosine), ("dot", dot), ("euclidean", euclidean), ("manhattan", manhattan)]
    }
}

extension PairMetrics.Separation {
    fileprivate init(_ similarities: [Float], _ labels: [Bool], isDistance: Bool) {
        let order = similarities.indices.sorted { similarities[$0] > similarities[$1] }
        let positives = labels.count { $0 }
        let count = Double(max(1, labels.count))
        var accuracy = Double(labels.count - positives) / count
        var accuracyThreshold = order.first.map { Double(similarities[$0].nextUp) } ?? 0
        var (f1, precision, recall, f1Threshold, area) = (0.0, 0.0, 0.0, 0.0, 0.0)
        var (taken, correct, correctBefore) = (0, 0, 0)
        for (place, index) in order.enumerated() {
            taken += 1
            if labels[index] { correct += 1 }
            // Equal similarities are on one side of a threshold.
            let next = place + 1 < order.count ? similarities[order[place + 1]] : nil
            if next == similarities[index] { continue }
            let middle = next.map { (similarities[index] + $0) / 2 } ?? similarities[index]
            let threshold = Double(middle == next ? similarities[index] : middle)
            let share = Double(correct + (labels.count - positives) - (taken - correct)) / count
            if share > accuracy { (accuracy, accuracyThreshold) = (share, threshold) }
            let (p, r) = (Double(correct) / Double(taken), Double(correct) / Double(max(1, positives)))
            area += p * Double(correct - correctBefore) / Double(max(1, positives))
            correctBefore = correct
            if correct > 0, 2 * p * r / (p + r) > f1 {
                (f1, precision, recall, f1Threshold) = (2 * p * r / (p + r), p, r, threshold)
            }
        }
        let sign: Double = isDistance ? -1 : 1
        self.init(
            accuracy: accuracy, accuracyThreshold: sign * accuracyThreshold, f1: f1, f1Threshold: sign * f1Threshold,
            precision: precision, recall: recall, averagePrecision: area)
    }
}
