public import Tensors

extension WordVectors {
    /// How an analogy scores a word. Source: Levy and Goldberg 2014, "Linguistic Regularities in Sparse and Explicit Word
    /// Representations", equations 3 and 4.
    public enum AnalogyMethod: String, Sendable, CaseIterable {
        /// The cosine with the sum of the unit vectors: 3CosAdd.
        case add
        /// The product of the cosines, moved to 0...1, by those with what is taken away plus 1e-6: 3CosMul.
        case multiply
    }

    /// The words nearest to each vector by cosine, best first.
    ///
    /// - Parameters:
    ///   - excluding: for each query rows that do not count.
    ///   - words: how many words count, from the first one; `nil` for all. Words with another word's vector never do.
    /// - Throws: `notFinite`.
    public func nearest(
        to queries: [[Float]], k: Int, excluding: [[Int]], words: Int? = nil
    ) throws(WordVectorsError) -> [[RankedRow]] {
        try nearest(toUnits: queries.map { [Self.unit($0)] }, k: k, excluding: excluding, words: words)
    }

    /// - Parameter queries: of each the vectors of length 1 that `score` is made of, as many for all.
    private func nearest(
        toUnits queries: [[[Float]]], k: Int, excluding: [[Int]], words: Int?
    ) throws(WordVectorsError) -> [[RankedRow]] {
        let factors = try inverseNorms()
        let limit = k + (excluding.map(\.count).max() ?? 0)
        let perPass = Self.vectorsPerPass / (queries.first?.count ?? 1)
        let found = stride(from: 0, to: queries.count, by: perPass).flatMap { first in
            best(
                limit, queries[first..<min(queries.count, first + perPass)], words: min(ownCount, words ?? ownCount),
                factors)
        }
        return zip(found, excluding).map { found, excluded in
            Array(found.sorted.lazy.filter { !excluded.contains(Int($0.row)) }.prefix(k))
        }
    }

    /// Vectors of one matrix product.
    private static let vectorsPerPass = 64
    /// Rows whose best are kept part by part before they come together: first a few, as most others do not reach what
    /// these do.
    private static let (firstRows, rowsPerPass) = (4096, 1 << 16)

    /// The best rows for each query of a group. Of several vectors each, groups are made up to one size, so that the
    /// engine multiplies in the same order whatever is asked beside a query.
    private func best(_ limit: Int, _ queries: ArraySlice<[[Float]]>, words: Int, _ factors: [Float]) -> [BestRows] {
        let parts = queries.first?.count ?? 1
        var units = Tensor([queries.count * parts, dimension], queries.joined().flatMap { $0 })
        if parts > 1 { units = units.padded(toRows: Self.vectorsPerPass) }
        var best = [BestRows](repeating: BestRows(limit), count: queries.count)
        var start = 0
        while start < words {
            let range = start..<min(words, start == 0 ? Self.firstRows : start + Self.rowsPerPass)
            let floors = best.map { $0.isFull ? $0.worst?.score ?? -.infinity : -.infinity }
            let found = unsafe rows.products(units, rows: range) { _, range, products in
                unsafe Self.best(limit, range, products, parts: parts, factors, floors: floors)
            }
            for part in found.joined() { for query in best.indices { best[query].merge(part[query]) } }
            start = range.upperBound
        }
        return best
    }

    /// The words that are to `c` as `b` is to `a`, best first, without the three.
    public func analogy(
        _ questions: [(a: Match, b: Match, c: Match)], k: Int, method: AnalogyMethod = .add, words: Int? = nil
    ) throws(WordVectorsError) -> [[RankedRow]] {
        let excluded = questions.map { [$0.a.row, $0.b.row, $0.c.row].compactMap { $0 } }
        let units = questions.map { [Self.unit($0.b.vector), Self.unit($0.c.vector), Self.unit($0.a.vector)] }
        if method == .add {
            let queries = units.map { parts in
                (0..<dimension).map { (parts[0][$0] + parts[1][$0] - parts[2][$0]) / 3 }
            }
            return try nearest(to: queries, k: k, excluding: excluded, words: words)
        }
        return try nearest(toUnits: units, k: k, excluding: excluded, words: words)
    }

    /// The best rows of a part for each query of a group.
    ///
    /// - Parameter products: `[rows, vectors]`, where behind those of the queries there may be others.
    private static func best(
        _ limit: Int, _ range: Range<Int>, _ products: UnsafeBufferPointer<Float>, parts: Int, _ factors: [Float],
        floors: [Float]
    ) -> [BestRows] {
        let queries = floors.count
        let vectors = products.count / range.count
        var best = (0..<queries).map { _ in BestRows(min(limit, range.count)) }
        var thresholds = floors
        for row in range {
            var place = (row - range.lowerBound) * vectors
            let factor = factors[row]
            for query in 0..<queries {
                let score = unsafe score(products, place, parts, factor)
                if score > thresholds[query] {
                    best[query].add(RankedRow(row: Int32(row), score: score))
                    if best[query].isFull { thresholds[query] = max(thresholds[query], best[query].worst!.score) }
                }
                place += parts
            }
        }
        return best
    }

    /// The cosine with one vector, or the score of an analogy by products from those with three, the last being taken
    /// away.
    @inline(__always)
    private static func score(
        _ products: UnsafeBufferPointer<Float>, _ place: Int, _ parts: Int, _ factor: Float
    ) -> Float {
        if parts == 1 { return unsafe products[place] * factor }
        func shifted(_ part: Int) -> Float { unsafe (1 + products[place + part] * factor) / 2 }
        return shifted(0) * shifted(1) / (shifted(2) + 1e-6)
    }

    /// The cosine of two vectors; 0 where one has no direction.
    public static func cosine(_ a: [Float], _ b: [Float]) -> Float {
        zip(unit(a), unit(b)).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// A vector of length 1, or zeros.
    static func unit(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return length > 0 ? vector.map { Float(Double($0) / length) } : vector
    }

    /// What makes a product a cosine; 0 for a vector without a direction, or one so short that its values have lost it.
    private func inverseNorms() throws(WordVectorsError) -> [Float] {
        try norms().map { $0 >= .leastNormalMagnitude ? 1 / $0 : 0 }
    }
}

extension Tensor {
    /// A matrix with zeros behind its rows.
    fileprivate func padded(toRows count: Int) -> Tensor {
        Tensor([count, columns], values + [Float](repeating: 0, count: (count - rows) * columns))
    }
}
