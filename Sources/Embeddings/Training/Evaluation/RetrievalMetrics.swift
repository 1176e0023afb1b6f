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
        let found = NearestByCosine.documents(
            for: queries, among: documents, count: 100, except: own
        ).enumerated().map { query, nearest in
            nearest.map { relevant[query].contains(Int($0.row)) }
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
}
