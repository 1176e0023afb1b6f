public import Tensors

/// How well the similarities of vectors go with given scores.
///
/// Source: Cer et al. 2017, "SemEval-2017 Task 1: Semantic Textual Similarity", §6; sentence-transformers'
/// `EmbeddingSimilarityEvaluator`.
public struct SimilarityMetrics: Codable, Equatable, Sendable {
    /// `nil` where all similarities or all scores are one number.
    public struct Correlations: Codable, Equatable, Sendable {
        public let pearson: Double?
        public let spearman: Double?
    }

    public let examples: Int
    public let cosine: Correlations
    public let dot: Correlations
    public let euclidean: Correlations
    public let manhattan: Correlations

    /// - Parameters:
    ///   - a: `[examples, size]`
    ///   - b: of the same shape.
    public init(_ a: Tensor, _ b: Tensor, scores: [Float]) {
        examples = scores.count
        let wanted = scores.map(Double.init)
        func correlations(_ similarity: Similarity) -> Correlations {
            let found = similarity.ofRows(a, b).map(Double.init)
            return Correlations(
                pearson: Correlation.pearson(found, wanted), spearman: Correlation.spearman(found, wanted))
        }
        cosine = correlations(.cosine)
        dot = correlations(.dot)
        euclidean = correlations(.euclidean)
        manhattan = correlations(.manhattan)
    }

    /// By name.
    public var all: [(name: String, correlations: Correlations)] {
        [("cosine", cosine), ("dot", dot), ("euclidean", euclidean), ("manhattan", manhattan)]
    }
}
