/// How two vectors are compared: the larger the score, the nearer they are.
public enum RowScore: Sendable {
    /// The scalar product.
    case dot
    /// The square of the Euclidean distance, below 0.
    case negativeSquaredDistance
}

/// What a pair of values adds to a score.
private protocol PairTerm {
    static func add(_ sums: SIMD16<Float>, _ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float>
    static func add(_ sum: Float, _ a: Float, _ b: Float) -> Float
}

private enum Product: PairTerm {
    @inline(__always)
    static func add(_ sums: SIMD16<Float>, _ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        multiplyAdd(a, b, sums)
    }

    @inline(__always)
    static func add(_ sum: Float, _ a: Float, _ b: Float) -> Float { multiplyAdd(a, b, sum) }
}

private enum NegativeSquare: PairTerm {
    @inline(__always)
    static func add(_ sums: SIMD16<Float>, _ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        let difference = a - b
        return multiplyAdd(difference, -difference, sums)
    }

    @inline(__always)
    static func add(_ sum: Float, _ a: Float, _ b: Float) -> Float {
        let difference = a - b
        return multiplyAdd(difference, -difference, sum)
    }
}

/// Scores of a few queries with a few rows. Every score is summed in the same order whatever is computed beside it, so
/// that it has the same bits alone, in a batch and on any thread: sixteen lanes, their total in a tree, then the values
/// behind the last whole group of sixteen.
enum ScoreTile {
    /// The scores of up to four queries with up to four rows. One of each at least.
    ///
    /// - Parameter output: a row for each query, `stride` values apart.
    @unsafe @inline(__always)
    static func compute(
        _ score: RowScore, _ queries: UnsafePointer<Float>, _ queryCount: Int, _ rows: UnsafePointer<Float>,
        _ rowCount: Int, columns: Int, _ output: UnsafeMutablePointer<Float>, stride: Int
    ) {
        switch score {
        case .dot: unsafe compute(Product.self, queries, queryCount, rows, rowCount, columns, output, stride)
        case .negativeSquaredDistance:
            unsafe compute(NegativeSquare.self, queries, queryCount, rows, rowCount, columns, output, stride)
        }
    }

    @unsafe @inline(__always)
    private static func compute<Term: PairTerm>(
        _ term: Term.Type, _ queries: UnsafePointer<Float>, _ queryCount: Int, _ rows: UnsafePointer<Float>,
        _ rowCount: Int, _ columns: Int, _ output: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        if queryCount == 1 {
            // Row by row, as the memory is read fastest: rows side by side take half as long again.
            for row in 0..<rowCount { unsafe output[row] = one(term, queries, rows + row * columns, columns) }
            return
        }
        // Queries and rows that are not there are computed as copies of the last, and written to its place.
        let (q1, q2, q3) = (1, min(2, queryCount - 1), min(3, queryCount - 1))
        let (r1, r2, r3) = (min(1, rowCount - 1), min(2, rowCount - 1), min(3, rowCount - 1))
        let rows = unsafe (rows, rows + r1 * columns, rows + r2 * columns, rows + r3 * columns)
        let results = unsafe sixteen(
            term, (queries, queries + q1 * columns, queries + q2 * columns, queries + q3 * columns), rows, columns)
        for (query, scores) in [(0, results.0), (q1, results.1), (q2, results.2), (q3, results.3)] {
            let output = unsafe output + query * stride
            unsafe output[0] = scores.x
            unsafe output[r1] = scores.y
            unsafe output[r2] = scores.z
            unsafe output[r3] = scores.w
        }
    }

    /// The score of one query with one row.
    @unsafe @inline(__always)
    private static func one<Term: PairTerm>(
        _ term: Term.Type, _ query: UnsafePointer<Float>, _ row: UnsafePointer<Float>, _ columns: Int
    ) -> Float {
        var sums = SIMD16<Float>.zero
        let whole = columns & ~15
        for i in Swift.stride(from: 0, to: whole, by: 16) {
            sums = unsafe Term.add(sums, lanes(query + i), lanes(row + i))
        }
        var result = total(sums)
        for i in whole..<columns { unsafe result = Term.add(result, query[i], row[i]) }
        return result
    }

    /// The scores of one query with four rows.
    @unsafe @inline(__always)
    static func four(_ score: RowScore, _ query: UnsafePointer<Float>, _ rows: FourRows, _ columns: Int) -> SIMD4<Float>
    {
        switch score {
        case .dot: unsafe four(Product.self, query, rows, columns)
        case .negativeSquaredDistance: unsafe four(NegativeSquare.self, query, rows, columns)
        }
    }

    typealias FourRows = (UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>)
    private typealias FourSums = (SIMD16<Float>, SIMD16<Float>, SIMD16<Float>, SIMD16<Float>)
    private static var zeros: FourSums { (.zero, .zero, .zero, .zero) }

    @unsafe @inline(__always)
    private static func four<Term: PairTerm>(
        _ term: Term.Type, _ query: UnsafePointer<Float>, _ rows: FourRows, _ columns: Int
    ) -> SIMD4<Float> {
        var sums = zeros
        let whole = columns & ~15
        for i in Swift.stride(from: 0, to: whole, by: 16) {
            unsafe add(term, lanes(query + i), values(rows, i), to: &sums)
        }
        return unsafe scores(term, sums, query, rows, whole..<columns)
    }

    /// Four queries with four rows: sixteen sums in registers, each value loaded once for four of them.
    @unsafe @inline(__always)
    private static func sixteen<Term: PairTerm>(
        _ term: Term.Type, _ queries: FourRows, _ rows: FourRows, _ columns: Int
    ) -> (SIMD4<Float>, SIMD4<Float>, SIMD4<Float>, SIMD4<Float>) {
        var (a, b, c, d) = (zeros, zeros, zeros, zeros)
        let whole = columns & ~15
        for i in Swift.stride(from: 0, to: whole, by: 16) {
            let values = unsafe values(rows, i)
            unsafe add(term, lanes(queries.0 + i), values, to: &a)
            unsafe add(term, lanes(queries.1 + i), values, to: &b)
            unsafe add(term, lanes(queries.2 + i), values, to: &c)
            unsafe add(term, lanes(queries.3 + i), values, to: &d)
        }
        let rest = whole..<columns
        return unsafe (
            scores(term, a, queries.0, rows, rest), scores(term, b, queries.1, rows, rest),
            scores(term, c, queries.2, rows, rest), scores(term, d, queries.3, rows, rest)
        )
    }

    @unsafe @inline(__always)
    private static func values(_ rows: FourRows, _ i: Int) -> FourSums {
        unsafe (lanes(rows.0 + i), lanes(rows.1 + i), lanes(rows.2 + i), lanes(rows.3 + i))
    }

    @inline(__always)
    private static func add<Term: PairTerm>(
        _ term: Term.Type, _ query: SIMD16<Float>, _ rows: FourSums, to sums: inout FourSums
    ) {
        sums = (
            Term.add(sums.0, query, rows.0), Term.add(sums.1, query, rows.1), Term.add(sums.2, query, rows.2),
            Term.add(sums.3, query, rows.3)
        )
    }

    /// The totals of a query's sums, and what the values behind the last whole group add.
    @unsafe @inline(__always)
    private static func scores<Term: PairTerm>(
        _ term: Term.Type, _ sums: FourSums, _ query: UnsafePointer<Float>, _ rows: FourRows, _ rest: Range<Int>
    ) -> SIMD4<Float> {
        var result = totals(sums)
        for i in rest {
            let value = unsafe query[i]
            result.x = unsafe Term.add(result.x, value, rows.0[i])
            result.y = unsafe Term.add(result.y, value, rows.1[i])
            result.z = unsafe Term.add(result.z, value, rows.2[i])
            result.w = unsafe Term.add(result.w, value, rows.3[i])
        }
        return result
    }

    /// Four totals at once, each in the tree of `total`.
    @inline(__always)
    private static func totals(_ sums: FourSums) -> SIMD4<Float> {
        let a = halves(sums.0, sums.1)
        let b = halves(sums.2, sums.3)
        let low = SIMD16(
            lowHalf: SIMD8(lowHalf: a.lowHalf.lowHalf, highHalf: a.highHalf.lowHalf),
            highHalf: SIMD8(lowHalf: b.lowHalf.lowHalf, highHalf: b.highHalf.lowHalf))
        let high = SIMD16(
            lowHalf: SIMD8(lowHalf: a.lowHalf.highHalf, highHalf: a.highHalf.highHalf),
            highHalf: SIMD8(lowHalf: b.lowHalf.highHalf, highHalf: b.highHalf.highHalf))
        // Four values of each.
        let four = low + high
        let (x, y) = (four.evenHalf, four.oddHalf)
        // The first and the third, the second and the fourth.
        let two = (x.evenHalf + x.oddHalf, y.evenHalf + y.oddHalf)
        return two.0 + two.1
    }

    @inline(__always)
    private static func halves(_ a: SIMD16<Float>, _ b: SIMD16<Float>) -> SIMD16<Float> {
        SIMD16(lowHalf: a.lowHalf, highHalf: b.lowHalf) + SIMD16(lowHalf: a.highHalf, highHalf: b.highHalf)
    }
}
