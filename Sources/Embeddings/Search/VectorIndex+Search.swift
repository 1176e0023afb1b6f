public import Tensors

/// How a search looks for the nearest vectors.
public struct SearchSettings: Equatable, Sendable {
    public var topK: Int
    /// Looks at all vectors even where there is a graph.
    public var isExact = false
    /// Through a graph: the candidates that are kept on the way.
    public var ef = 64
    /// Through codes: so many times `topK` vectors are compared in f32.
    public var rescore = 4

    public init(topK: Int = 10) { self.topK = topK }
}

extension VectorSimilarity {
    var rowScore: RowScore { self == .euclidean ? .negativeSquaredDistance : .dot }
}

extension VectorIndex {
    /// The best vectors for every query, the best first; of equal scores the lower number first.
    ///
    /// Through the graph where there is one; else through the codes where there are some, and what is found is compared
    /// in f32; else all vectors are compared. The number of threads changes nothing.
    ///
    /// - Parameter queries: `[queries, size]`
    public func search(_ queries: Tensor, _ settings: SearchSettings) -> [[RankedRow]] {
        precondition(queries.columns == description.size, "queries \(queries.shape) for vectors of \(description.size)")
        var queries = queries
        if description.similarity == .cosine { queries.scaleRowsToLength1() }
        let score = description.similarity.rowScore
        let found: [[RankedRow]]
        if let graph, !settings.isExact {
            found = parallelMap(queries.rows) { query in
                graph.nearest(
                    to: queries.row(query), in: vectors, count: settings.topK, ef: settings.ef, by: score)
            }
        } else if let codes, !settings.isExact {
            let candidates = candidates(queries, codes, settings.topK * max(1, settings.rescore))
            found = parallelMap(queries.rows) { query in
                let rows = candidates[query].map(\.row).sorted()
                var scores = [Float](repeating: 0, count: rows.count)
                vectors.scores(of: queries.row(query), rows: rows, by: score, into: &scores)
                return Array(
                    zip(rows, scores).map { RankedRow(row: $0, score: $1) }.sorted(by: <).prefix(settings.topK))
            }
        } else {
            found = vectors.nearest(to: queries, count: settings.topK, by: score)
        }
        guard description.similarity == .euclidean else { return found }
        return found.map { $0.map { RankedRow(row: $0.row, score: -(-$0.score).squareRoot()) } }
    }

    /// The rows whose codes are the best for each query.
    private func candidates(_ queries: Tensor, _ codes: StoredBytes, _ count: Int) -> [[RankedRow]] {
        guard let ranges = description.ranges else {
            let quantizer = VectorQuantizer(.ubinary, ranges: nil)
            return codes.nearest(toBits: (0..<queries.rows).map { quantizer.bytes(queries.row($0)) }, count: count)
        }
        // A value is about `least + step·byte`, so that a product is a constant and `Σ (query·step)·byte`.
        let steps = ranges.steps
        let weights = (0..<queries.rows).map { query in
            let products = zip(queries.row(query), steps).map { $0 * $1 }
            let largest = products.reduce(0) { max($0, abs($1)) }
            return products.map { largest > 0 ? Int8(($0 * (127 / largest)).rounded()) : 0 }
        }
        return codes.nearest(toWeights: weights, count: count)
    }
}
