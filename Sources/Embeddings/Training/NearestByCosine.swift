import Tensors

/// The rows of a matrix that are most alike to others, by cosine.
enum NearestByCosine {
    struct Neighbour: Equatable, Sendable {
        let row: Int
        let cosine: Float
    }

    private static let queriesPerBlock = 256

    /// The nearest documents of every query, the first ones first.
    ///
    /// - Parameters:
    ///   - count: of each query, at most.
    ///   - excluded: of every query a document that does not count.
    static func documents(
        for queries: Tensor, among documents: Tensor, count: Int, except excluded: [Int]? = nil
    ) -> [[Neighbour]] {
        let matrix = PackedMatrix(UnitRows(documents).rows.transposed)
        let queries = UnitRows(queries).rows
        return stride(from: 0, to: queries.rows, by: queriesPerBlock).flatMap { start in
            let block = matmul(queries.rows(start..<min(queries.rows, start + queriesPerBlock)), matrix)
            return parallelMap(block.rows) { row in
                var scores = Array(block.row(row))
                if let excluded { scores[excluded[start + row]] = -.infinity }
                return largest(of: scores, min(count, scores.count))
            }
        }
    }

    private static func largest(of scores: [Float], _ count: Int) -> [Neighbour] {
        var best: [Int] = []
        // What is below the smallest of those kept is not looked at twice.
        var limit = -Float.infinity
        for index in scores.indices where best.count < count || scores[index] > limit {
            best.append(index)
            if best.count >= 4 * count {
                best.sort { (scores[$1], $0) < (scores[$0], $1) }
                best.removeLast(best.count - count)
                limit = best.last.map { scores[$0] } ?? limit
            }
        }
        best.sort { (scores[$1], $0) < (scores[$0], $1) }
        return best.prefix(count).filter { scores[$0] > -.infinity }.map { Neighbour(row: $0, cosine: scores[$0]) }
    }
}
