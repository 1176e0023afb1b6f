/// What the vectors of a sentence encoder reach, by what the examples are.
public enum SentenceMetrics: Codable, Equatable, Sendable {
    /// Pairs with scores.
    case similarity(SimilarityMetrics)
    /// Pairs that belong together or not.
    case pairs(PairMetrics)
    case triplets(TripletMetrics)
    /// Queries with documents.
    case retrieval(RetrievalMetrics)

    /// The number that the best weights are chosen by, of cosines: Spearman's correlation, average precision, accuracy,
    /// NDCG@10.
    public var main: Double {
        switch self {
        case .similarity(let metrics): metrics.cosine.spearman ?? -1
        case .pairs(let metrics): metrics.cosine.averagePrecision
        case .triplets(let metrics): metrics.cosine
        case .retrieval(let metrics): metrics.ndcg10
        }
    }

    public var examples: Int {
        switch self {
        case .similarity(let metrics): metrics.examples
        case .pairs(let metrics): metrics.examples
        case .triplets(let metrics): metrics.examples
        case .retrieval(let metrics): metrics.queries
        }
    }
}
