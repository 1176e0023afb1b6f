public import Tensors

/// Finds for every query documents that are alike to it and do not belong to it.
///
/// Source: Xiong et al. 2021, "Approximate Nearest Neighbor Negative Contrastive Learning" (ANCE), §3; which candidates are
/// left out is as in sentence-transformers' `mine_hard_negatives`.
public struct HardNegativeMining: Equatable, Sendable {
    /// Of each query.
    public var count: Int
    /// How many of the nearest are left out: they may belong to the query, though nobody said so.
    public var first = 0
    /// How many of the nearest are looked at.
    public var last = 100
    /// Candidates are left out whose cosine is above this,
    public var largestCosine: Float?
    /// or below this,
    public var smallestCosine: Float?
    /// or not so much below that of the query's own document,
    public var margin: Float?
    /// or not by this share of it.
    public var relativeMargin: Float?
    /// Whether negatives are drawn from the candidates; else the nearest are taken.
    public var isRandom = false

    public init(count: Int) { self.count = count }

    /// - Parameters:
    ///   - queries: `[queries, size]`
    ///   - documents: `[documents, size]`
    ///   - relevant: of every query the documents that belong to it, one at least.
    ///   - random: draws negatives.
    /// - Returns: of every query the rows of `count` documents, or of fewer where there are no more.
    public func negatives(
        queries: Tensor, documents: Tensor, relevant: [Set<Int>], random: RandomSource
    ) -> [[Int]] {
        let most = relevant.map(\.count).max() ?? 0
        let nearest = NearestByCosine.documents(for: queries, among: documents, count: last + most)
        let (queries, documents) = (UnitRows(queries).rows, UnitRows(documents).rows)
        return nearest.indices.map { query in
            // Of several documents the least alike one says how near a negative may be.
            let own =
                relevant[query].map { document in
                    zip(queries.row(query), documents.row(document)).reduce(0) { $0 + $1.0 * $1.1 }
                }.min() ?? 1
            var candidates = nearest[query].filter { candidate in
                !relevant[query].contains(Int(candidate.row)) && isFit(candidate.score, own)
            }.prefix(last).dropFirst(first).map { Int($0.row) }
            if isRandom {
                var generator = random
                let order = candidates.indices.shuffled(using: &generator).prefix(count).sorted()
                candidates = order.map { candidates[$0] }
            }
            return Array(candidates.prefix(count))
        }
    }

    private func isFit(_ cosine: Float, _ own: Float) -> Bool {
        if let margin, cosine + margin > own { return false }
        if let relativeMargin, cosine > own - abs(own) * relativeMargin { return false }
        if let largestCosine, cosine > largestCosine { return false }
        if let smallestCosine, cosine < smallestCosine { return false }
        return true
    }
}
