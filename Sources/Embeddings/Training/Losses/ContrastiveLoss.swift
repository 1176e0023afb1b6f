public import Tensors

/// Pairs that belong together are to be near, others farther apart than a margin: with the cosine distance `d`, the mean of
/// `½·(y·d² + (1 - y)·max(0, margin - d)²)`.
///
/// Online, only the pairs count that are hard in their batch: positives farther apart than the nearest negative, negatives
/// nearer than the farthest positive; and their terms are summed up, without the half.
///
/// Source: Hadsell, Chopra and LeCun 2006, "Dimensionality Reduction by Learning an Invariant Mapping", equation 4; the
/// online form is sentence-transformers'.
public struct ContrastiveLoss: SentenceLoss {
    public var margin: Double
    public var isOnline: Bool

    public init(margin: Double = 0.5, isOnline: Bool = false) {
        self.margin = margin
        self.isOnline = isOnline
    }

    /// - Parameter columns: both texts of pairs; the scores are 1 or 0.
    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        let cosines = RowSimilarities(.cosine, columns[0], columns[1])
        let distances = cosines.values.map { Double(1 - $0) }
        let labels = targets.scores.map(Double.init)
        let weights = isOnline ? hardPairs(distances, labels) : labels.map { _ in 0.5 / Double(labels.count) }
        var loss = 0.0
        // By the cosine, which falls as the distance grows.
        let gradient = distances.indices.map { i in
            let (distance, lack) = (distances[i], max(0, margin - distances[i]))
            loss += weights[i] * (labels[i] * distance * distance + (1 - labels[i]) * lack * lack)
            return Float(-2 * weights[i] * (labels[i] * distance - (1 - labels[i]) * lack))
        }
        let (a, b) = cosines.backward(gradient)
        return (loss, [a, b])
    }

    /// 1 for the pairs that count, 0 for the others.
    private func hardPairs(_ distances: [Double], _ labels: [Double]) -> [Double] {
        let positives = distances.indices.filter { labels[$0] == 1 }.map { distances[$0] }
        let negatives = distances.indices.filter { labels[$0] == 0 }.map { distances[$0] }
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
        let farthest = positives.max() ?? mean(negatives)
        let nearest = negatives.min() ?? mean(positives)
        return distances.indices.map { i in
            (labels[i] == 1 && distances[i] > nearest) || (labels[i] == 0 && distances[i] < farthest) ? 1 : 0
        }
    }
}
