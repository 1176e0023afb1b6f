/// How two vectors are compared: the larger the score, the nearer they are.
public enum RowScore: Sendable {
    /// The scalar product.
    case dot
    /// The square of the Euclidean distance, below 0.
    case negativeSquaredDistance
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
        if queryCount == 1 {
            // Row by row, as the memory is read fastest: rows side by side take half as long again.
            for row in 0..<rowCount {
                unsafe output[row] = one(score, queries, rows + row * columns, columns)
            }
            return
        }
        // Rows that are not there are computed as copies of the last, and written to its place.
        let (r1, r2, r3) = (min(1, rowCount - 1), min(2, rowCount - 1), min(3, rowCount - 1))
        let (x1, x2, x3) = unsafe (rows + r1 * columns, rows + r2 * columns, rows + r3 * columns)
        switch score {
        case .dot:
            unsafe sixteen(queries, queryCount, rows, x1, x2, x3, (r1, r2, r3), columns, output, stride) {
                multiplyAdd($1, $2, $0)
            } tail: {
                multiplyAdd($1, $2, $0)
            }
        case .negativeSquaredDistance:
            unsafe sixteen(queries, queryCount, rows, x1, x2, x3, (r1, r2, r3), columns, output, stride) {
                let difference = $1 - $2
                return multiplyAdd(difference, -difference, $0)
            } tail: {
                let difference = $1 - $2
                return multiplyAdd(difference, -difference, $0)
            }
        }
    }

    /// The score of one query with one row.
    @unsafe @inline(__always)
    private static func one(
        _ score: RowScore, _ query: UnsafePointer<Float>, _ row: UnsafePointer<Float>, _ columns: Int
    ) -> Float {
        switch score {
        case .dot:
            unsafe one(query, row, columns) {
                multiplyAdd($1, $2, $0)
            } tail: {
                multiplyAdd($1, $2, $0)
            }
        case .negativeSquaredDistance:
            unsafe one(query, row, columns) {
                let difference = $1 - $2
                return multiplyAdd(difference, -difference, $0)
            } tail: {
                let difference = $1 - $2
                return multiplyAdd(difference, -difference, $0)
            }
        }
    }

    @unsafe @inline(__always)
    private static func one(
        _ query: UnsafePointer<Float>, _ row: UnsafePointer<Float>, _ columns: Int,
        _ add: (SIMD16<Float>, SIMD16<Float>, SIMD16<Float>) -> SIMD16<Float>,
        tail: (Float, Float, Float) -> Float
    ) -> Float {
        var sums = SIMD16<Float>.zero
        let whole = columns & ~15
        for i in Swift.stride(from: 0, to: whole, by: 16) {
            sums = unsafe add(sums, lanes(query + i), lanes(row + i))
        }
        var result = total(sums)
        for i in whole..<columns { unsafe result = tail(result, query[i], row[i]) }
        return result
    }

    /// The scores of one query with four rows.
    @unsafe @inline(__always)
    static func four(
        _ score: RowScore, _ query: UnsafePointer<Float>, _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
        _ x2: UnsafePointer<Float>, _ x3: UnsafePointer<Float>, _ columns: Int
    ) -> SIMD4<Float> {
        switch score {
        case .dot:
            unsafe four(query, x0, x1, x2, x3, columns) {
                multiplyAdd($1, $2, $0)
            } tail: {
                multiplyAdd($1, $2, $0)
            }
        case .negativeSquaredDistance:
            unsafe four(query, x0, x1, x2, x3, columns) {
                let difference = $1 - $2
                return multiplyAdd(difference, -difference, $0)
            } tail: {
                let difference = $1 - $2
                return multiplyAdd(difference, -difference, $0)
            }
        }
    }

    @unsafe @inline(__always)
    private static func four(
        _ query: UnsafePointer<Float>, _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
        _ x2: UnsafePointer<Float>, _ x3: UnsafePointer<Float>, _ columns: Int,
        _ add: (SIMD16<Float>, SIMD16<Float>, SIMD16<Float>) -> SIMD16<Float>,
        tail: (Float, Float, Float) -> Float
    ) -> SIMD4<Float> {
        var (a0, a1, a2, a3) = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
        let whole = columns & ~15
        for i in Swift.stride(from: 0, to: whole, by: 16) {
            let q = unsafe lanes(query + i)
            a0 = unsafe add(a0, q, lanes(x0 + i))
            a1 = unsafe add(a1, q, lanes(x1 + i))
            a2 = unsafe add(a2, q, lanes(x2 + i))
            a3 = unsafe add(a3, q, lanes(x3 + i))
        }
        var result = SIMD4(total(a0), total(a1), total(a2), total(a3))
        for i in whole..<columns {
            let q = unsafe query[i]
            result.x = unsafe tail(result.x, q, x0[i])
            result.y = unsafe tail(result.y, q, x1[i])
            result.z = unsafe tail(result.z, q, x2[i])
            result.w = unsafe tail(result.w, q, x3[i])
        }
        return result
    }

    /// Two to four queries with four rows: sixteen sums in registers, each value loaded once for four of them.
    @unsafe @inline(__always)
    private static func sixteen(
        _ queries: UnsafePointer<Float>, _ queryCount: Int, _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>,
        _ x2: UnsafePointer<Float>, _ x3: UnsafePointer<Float>, _ places: (Int, Int, Int), _ columns: Int,
        _ output: UnsafeMutablePointer<Float>, _ stride: Int,
        _ add: (SIMD16<Float>, SIMD16<Float>, SIMD16<Float>) -> SIMD16<Float>,
        tail: (Float, Float, Float) -> Float
    ) {
        let (second, third, fourth) = (1, min(2, queryCount - 1), min(3, queryCount - 1))
        let (q0, q1) = unsafe (queries, queries + second * columns)
        let (q2, q3) = unsafe (queries + third * columns, queries + fourth * columns)
        let zero = SIMD16<Float>.zero
        var (a00, a01, a02, a03) = (zero, zero, zero, zero)
        var (a10, a11, a12, a13) = (zero, zero, zero, zero)
        var (a20, a21, a22, a23) = (zero, zero, zero, zero)
        var (a30, a31, a32, a33) = (zero, zero, zero, zero)
        let whole = columns & ~15
        for i in Swift.stride(from: 0, to: whole, by: 16) {
            let (y0, y1, y2, y3) = unsafe (lanes(x0 + i), lanes(x1 + i), lanes(x2 + i), lanes(x3 + i))
            var q = unsafe lanes(q0 + i)
            (a00, a01, a02, a03) = (add(a00, q, y0), add(a01, q, y1), add(a02, q, y2), add(a03, q, y3))
            q = unsafe lanes(q1 + i)
            (a10, a11, a12, a13) = (add(a10, q, y0), add(a11, q, y1), add(a12, q, y2), add(a13, q, y3))
            q = unsafe lanes(q2 + i)
            (a20, a21, a22, a23) = (add(a20, q, y0), add(a21, q, y1), add(a22, q, y2), add(a23, q, y3))
            q = unsafe lanes(q3 + i)
            (a30, a31, a32, a33) = (add(a30, q, y0), add(a31, q, y1), add(a32, q, y2), add(a33, q, y3))
        }
        unsafe store((a00, a01, a02, a03), q0, x0, x1, x2, x3, whole..<columns, output, places, tail)
        unsafe store((a10, a11, a12, a13), q1, x0, x1, x2, x3, whole..<columns, output + second * stride, places, tail)
        unsafe store((a20, a21, a22, a23), q2, x0, x1, x2, x3, whole..<columns, output + third * stride, places, tail)
        unsafe store((a30, a31, a32, a33), q3, x0, x1, x2, x3, whole..<columns, output + fourth * stride, places, tail)
    }

    @unsafe @inline(__always)
    private static func store(
        _ sums: (SIMD16<Float>, SIMD16<Float>, SIMD16<Float>, SIMD16<Float>), _ query: UnsafePointer<Float>,
        _ x0: UnsafePointer<Float>, _ x1: UnsafePointer<Float>, _ x2: UnsafePointer<Float>,
        _ x3: UnsafePointer<Float>, _ rest: Range<Int>, _ output: UnsafeMutablePointer<Float>,
        _ places: (Int, Int, Int), _ tail: (Float, Float, Float) -> Float
    ) {
        var (s0, s1, s2, s3) = (total(sums.0), total(sums.1), total(sums.2), total(sums.3))
        for i in rest {
            let q = unsafe query[i]
            unsafe (s0, s1, s2, s3) = (tail(s0, q, x0[i]), tail(s1, q, x1[i]), tail(s2, q, x2[i]), tail(s3, q, x3[i]))
        }
        unsafe output[0] = s0
        unsafe output[places.0] = s1
        unsafe output[places.1] = s2
        unsafe output[places.2] = s3
    }
}
