public import Tensors

/// How far apart two vectors are.
public enum VectorDistance: String, Sendable, CaseIterable {
    case euclidean
    case manhattan
    /// 1 less the cosine.
    case cosine

    var similarity: Similarity {
        switch self {
        case .euclidean: .euclidean
        case .manhattan: .manhattan
        case .cosine: .cosine
        }
    }
}

/// An anchor is to be nearer to its positive than to its negative, by a margin: the mean of `max(0, d⁺ - d⁻ + margin)`.
///
/// Source: Schroff, Kalenichenko and Philbin 2015, "FaceNet", §3.1.
public struct TripletLoss: SentenceLoss {
    public var distance: VectorDistance
    public var margin: Double

    public init(distance: VectorDistance = .euclidean, margin: Double = 5) {
        self.distance = distance
        self.margin = margin
    }

    /// - Parameter columns: anchors, positives, negatives.
    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        let near = RowSimilarities(distance.similarity, columns[0], columns[1])
        let far = RowSimilarities(distance.similarity, columns[0], columns[2])
        let count = Double(near.values.count)
        // Distances are the negatives of similarities, up to what is the same in both.
        let lacks = zip(near.values, far.values).map { max(0, Double($1) - Double($0) + margin) }
        let gradient = lacks.map { Float($0 > 0 ? 1 / count : 0) }
        let (anchors, positives) = near.backward(gradient.map { -$0 })
        let (others, negatives) = far.backward(gradient)
        return (lacks.reduce(0, +) / count, [anchors + others, positives, negatives])
    }
}
