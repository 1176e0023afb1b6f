public import Tensors

/// The share of triplets whose anchor is nearer to its positive than to its negative.
///
/// Source: sentence-transformers' `TripletEvaluator`.
public struct TripletMetrics: Codable, Equatable, Sendable {
    public let examples: Int
    public let cosine: Double
    public let dot: Double
    public let euclidean: Double
    public let manhattan: Double

    public init(anchors: Tensor, positives: Tensor, negatives: Tensor) {
        examples = anchors.rows
        func accuracy(_ similarity: Similarity) -> Double {
            let pairs = zip(similarity.ofRows(anchors, positives), similarity.ofRows(anchors, negatives))
            return Double(pairs.count { $0 > $1 }) / Double(max(1, anchors.rows))
        }
        cosine = accuracy(.cosine)
        dot = accuracy(.dot)
        euclidean = accuracy(.euclidean)
        manhattan = accuracy(.manhattan)
    }

    public var all: [(name: String, accuracy: Double)] {
        [("cosine", cosine), ("dot", dot), ("euclidean", euclidean), ("manhattan", manhattan)]
    }
}
