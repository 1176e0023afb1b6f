public import Tensors

/// The pairs of vectors that are most alike.
///
/// Source: sentence-transformers' `util.paraphrase_mining_embeddings`.
public enum ParaphraseMining {
    public struct Pair: Equatable, Sendable {
        /// The lower number.
        public let first: Int32
        public let second: Int32
        public let score: Float
    }

    /// The best pairs, the best first; of equal scores those of lower numbers first.
    ///
    /// - Parameters:
    ///   - vectors: of length 1, `[vectors, size]`.
    ///   - topK: as many neighbours of every vector are looked at.
    ///   - threshold: the least cosine.
    ///   - progress: is told how many vectors were compared with all.
    public static func pairs(
        in vectors: StoredTensor, topK: Int = 100, maxPairs: Int = 500_000, threshold: Float = -.infinity,
        progress: (Int) -> Void = { _ in }
    ) -> [Pair] {
        var best: [Pair] = []
        var least = threshold
        for first in stride(from: 0, to: vectors.rows, by: 1024) {
            let block = vectors.rows(first..<min(vectors.rows, first + 1024)).tensor
            let neighbours = vectors.nearest(to: block, count: topK + 1, by: .dot, atLeast: least)
            for (place, near) in neighbours.enumerated() {
                let row = Int32(first + place)
                for other in near.lazy.filter({ $0.row != row }).prefix(topK) {
                    best.append(Pair(first: min(row, other.row), second: max(row, other.row), score: other.score))
                }
            }
            if best.count > 4 * maxPairs {
                best = top(best, maxPairs)
                if best.count == maxPairs, let last = best.last { least = max(least, last.score) }
            }
            progress(first + block.rows)
        }
        return top(best, maxPairs)
    }

    /// The best of some pairs, each once.
    private static func top(_ pairs: [Pair], _ count: Int) -> [Pair] {
        let sorted = pairs.sorted { ($1.score, $0.first, $0.second) < ($0.score, $1.first, $1.second) }
        var result: [Pair] = []
        for pair in sorted where result.last != pair {
            if result.count == count { break }
            result.append(pair)
        }
        return result
    }
}
