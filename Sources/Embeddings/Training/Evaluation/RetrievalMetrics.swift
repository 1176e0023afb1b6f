import Glibc
public import Tensors

/// How well queries find the documents that belong to them, by cosine.
///
/// Sources: Järvelin and Kekäläinen 2002, "Cumulated Gain-based Evaluation of IR Techniques"; sentence-transformers'
/// `InformationRetrievalEvaluator`.
public struct RetrievalMetrics: Codable, Equatable, Sendable {
    /// Among the first `k` documents.
    public struct Cut: Codable, Equatable, Sendable {
        public let k: Int
        /// The share of queries that find one of their documents.
        public let accuracy: Double
        public let precision: Double
        public let recall: Double
    }

    public let queries: Int
    public let documents: Int
    public let cuts: [Cut]
    /// The mean of one by the place of the first document that belongs to a query.
    public let mrr10: Double
    public let ndcg10: Double
    public let map100: Double

    /// - Parameters:
    ///   - queries: `[queries, size]`
    ///   - documents: `[documents, size]`
    ///   - relevant: of every query the documents that belong to it, one at least.
    ///   - own: of every query a document that is the query itself and does not count.
    public init(queries: Tensor, documents: Tensor, relevant: [Set<Int>], own: [Int]? = nil) {
        self.queries = relevant.count
        self.documents = documents.rows
        let found = Self.nearest(queries, documents, own: own).enumerated().map { query, documents in
            documents.map { relevant[query].contains($0) }
        }
        func mean(_ value: (_ hits: [Bool], _ relevant: Int) -> Double) -> Double {
            zip(found, relevant).reduce(0) { $0 + value($1.0, $1.1.count) } / Double(max(1, found.count))
        }
        cuts = [1, 3, 5, 10].map { k in
            Cut(
                k: k, accuracy: mean { hits, _ in hits.prefix(k).contains(true) ? 1 : 0 },
                precision: mean { hits, _ in Double(hits.prefix(k).count { $0 }) / Double(k) },
                recall: mean { hits, relevant in Double(hits.prefix(k).count { $0 }) / Double(relevant) })
        }
        mrr10 = mean { hits, _ in hits.prefix(10).firstIndex(of: true).map { 1 / Double($0 + 1) } ?? 0 }
        ndcg10 = mean { hits, relevant in
            let gain = hits.prefix(10).enumerated().reduce(0) {
                $0 + ($1.element ? 1 / log2(Double($1.offset + 2)) : 0)
            }
            return gain / (0..<min(10, relevant)).reduce(0) { $0 + 1 / log2(Double($1 + 2)) }
        }
        map100 = mean { hits, relevant in
            var (correct, sum) = (0, 0.0)
            for (place, hit) in hits.prefix(100).enumerated() where hit {
                correct += 1
                sum += Double(correct) / Double(place + 1)
            }
            return sum / Double(min(100, relevant))
        }
    }

    private static let depth = 100
    private static let queriesPerBlock = 256

    /// The nearest documents of every query, the first ones first.
    private static func nearest(_ queries: Tensor, _ documents: Tensor, own: [Int]?) -> [[Int]] {
        let matrix = PackedMatrix(UnitRows(documents).rows.transposed)
        let queries = UnitRows(queries).rows
        return stride(from: 0, to: queries.rows, by: queriesPerBlock).flatMap { start in
            let block = matmul(queries.rows(start..<min(queries.rows, start + queriesPerBlock)), matrix)
            return parallelMap(block.rows) { row in
                var scores = Array(block.row(row))
                if let own { scores[own[start + row]] = -.infinity }
                return largest(of: scores)
            }
        }
    }

    /// The places of the largest values.
    private static func largest(of scores: [Float]) -> [Int] {
        let count = min(depth, scores.count)
        var best: [Int] = []
        // What is below the smallest of those kept is not looked at twice.
        var limit = -Float.infinity
        for index in scores.indices where best.count < count || scores[index] > limit {
            best.append(index)
            if best.count >= 4 * count {
                best.sort { (scores[$1], $0) < (scores[$0], $1) }
                best.removeLast(best.count - count)
                limit = scores[best[count - 1]]
            }
        }
        best.sort { (scores[$1], $0) < (scores[$0], $1) }
        return Array(best.prefix(count).filter { scores[$0] > -.infinity })
    }
}
