/// The scores of one head of one sequence whose positions are disentangled, `q·k + q·p + k·p'` with `p` and `p'` standing
/// for the distance, in one pass over the depth.
///
/// A tile is four queries by 32 keys, which for each query begin one key farther than for the query before: so all four
/// meet the same distances, whose vectors are loaded once.
@safe struct DisentangledScores {
    let positions: DisentangledPositions
    let size: Int
    /// At the places from 0 on.
    let queries: Int
    let keys: Int

    static let queriesPerTile = 4
    /// Columns of scratch before those of the first key; rows of scores need as many before them.
    static let margin = 16

    private var tiles: Int { (keys + Self.queriesPerTile - 1 + 31) / 32 }
    /// The distance between two rows of scores, and between two rows of keys.
    var stride: Int { Self.margin + 32 * tiles }
    /// Where distance 0 is in a row of positions, far enough behind the distance of the last query to the first key.
    private var center: Int { (queries + Self.queriesPerTile + 14) & ~15 }
    /// Rows begin on boundaries of vectors, and not all on the same lines of the cache.
    private var positionStride: Int { (center + 32 * tiles) | 16 }

    /// Keys, and positions of both kinds, by columns.
    var scratchCount: Int { size * (stride + 2 * positionStride) }

    /// Lays out what the scores of a head are computed of.
    ///
    /// - Parameters:
    ///   - key: the head's columns of the first key, in rows `keyStride` apart.
    ///   - scratch: of `scratchCount`.
    @unsafe
    func prepare(
        head: Int, _ key: UnsafePointer<Float>, keyStride: Int, _ scratch: UnsafeMutablePointer<Float>
    ) {
        let (stride, margin) = (stride, Self.margin)
        unsafe transpose(key, keyStride, rows: keys, columns: size, into: scratch + margin, stride: stride)
        for i in 0..<size {
            let row = unsafe scratch + i * stride
            for k in 0..<margin { unsafe row[k] = 0 }
            for k in margin + paddedToTiles(keys)..<stride { unsafe row[k] = 0 }
        }
        let first = unsafe scratch + size * stride
        let second = unsafe first + size * positionStride
        unsafe first.update(repeating: 0, count: 2 * size * positionStride)
        unsafe positions.copy(
            .keys, head: head, size: size, 1 - queries...keys - 1, to: first, stride: positionStride, center: center)
        unsafe positions.copy(
            .queries, head: head, size: size, 1 - queries...keys - 1, to: second, stride: positionStride,
            center: center)
    }

    /// - Parameters:
    ///   - query: the head's columns of the query at place `first`, a multiple of four.
    ///   - rows: one to four.
    ///   - scores: the score of the first key; rows are `stride` apart, and what lies around their keys is overwritten.
    @unsafe
    func compute(
        _ query: UnsafePointer<Float>, queryStride: Int, first: Int, rows: Int,
        _ scratch: UnsafePointer<Float>, into scores: UnsafeMutablePointer<Float>
    ) {
        let (stride, positionStride) = (stride, positionStride)
        let columns = unsafe scratch + Self.margin
        let keyPositions = unsafe scratch + size * stride + center - first
        let queryPositions = unsafe keyPositions + size * positionStride
        for tile in 0..<tiles {
            let start = 32 * tile - (Self.queriesPerTile - 1)
            unsafe computeTile(
                query, queryStride, rows: rows, columns + start, stride, keyPositions + start, queryPositions + start,
                positionStride, scores + start)
        }
    }

    @unsafe @inline(__always)
    private func computeTile(
        _ query: UnsafePointer<Float>, _ queryStride: Int, rows: Int, _ key: UnsafePointer<Float>, _ stride: Int,
        _ keyPosition: UnsafePointer<Float>, _ queryPosition: UnsafePointer<Float>, _ positionStride: Int,
        _ c: UnsafeMutablePointer<Float>
    ) {
        // Rows that are not there are computed as copies of the last, and written to its place.
        let (second, third, fourth) = (min(1, rows - 1), min(2, rows - 1), min(3, rows - 1))
        let (q1, q2, q3) = unsafe (
            query + second * queryStride, query + third * queryStride, query + fourth * queryStride
        )
        var (c00, c01, c10, c11) = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
        var (c20, c21, c30, c31) = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
        var (k, p, r) = unsafe (key, keyPosition, queryPosition)
        for i in 0..<size {
            let (p0, p1) = unsafe (lanes(p), lanes(p + 16))
            let (r0, r1) = unsafe (lanes(r), lanes(r + 16))
            let (x0, x1) = unsafe (SIMD16(repeating: query[i]), SIMD16(repeating: q1[i]))
            let (x2, x3) = unsafe (SIMD16(repeating: q2[i]), SIMD16(repeating: q3[i]))
            let (k1, k2, k3) = unsafe (k + second, k + third, k + fourth)
            c00 = unsafe multiplyAdd(x0 + r0, lanes(k), multiplyAdd(x0, p0, c00))
            c01 = unsafe multiplyAdd(x0 + r1, lanes(k + 16), multiplyAdd(x0, p1, c01))
            c10 = unsafe multiplyAdd(x1 + r0, lanes(k1), multiplyAdd(x1, p0, c10))
            c11 = unsafe multiplyAdd(x1 + r1, lanes(k1 + 16), multiplyAdd(x1, p1, c11))
            c20 = unsafe multiplyAdd(x2 + r0, lanes(k2), multiplyAdd(x2, p0, c20))
            c21 = unsafe multiplyAdd(x2 + r1, lanes(k2 + 16), multiplyAdd(x2, p1, c21))
            c30 = unsafe multiplyAdd(x3 + r0, lanes(k3), multiplyAdd(x3, p0, c30))
            c31 = unsafe multiplyAdd(x3 + r1, lanes(k3 + 16), multiplyAdd(x3, p1, c31))
            unsafe k += stride
            unsafe p += positionStride
            unsafe r += positionStride
        }
        let (d1, d2, d3) = unsafe (c + second * (stride + 1), c + third * (stride + 1), c + fourth * (stride + 1))
        unsafe store(c00, c)
        unsafe store(c01, c + 16)
        unsafe store(c10, d1)
        unsafe store(c11, d1 + 16)
        unsafe store(c20, d2)
        unsafe store(c21, d2 + 16)
        unsafe store(c30, d3)
        unsafe store(c31, d3 + 16)
    }
}

extension DisentangledPositions {
    /// The scores of one head for the backward pass, `[queries, stride]`, before they are scaled.
    @unsafe
    func scores(
        of head: AttentionHead, _ query: Tensor, _ key: Tensor, into scores: UnsafeMutablePointer<Float>, _ stride: Int
    ) {
        let (rows, tokens) = (head.queries.count, head.keys.count)
        let kernel = DisentangledScores(positions: self, size: head.size, queries: rows, keys: tokens)
        let scratch = unsafe head.scratch(kernel.scratchCount)
        let tileRows = DisentangledScores.queriesPerTile
        let block =
            unsafe head.scratch(DisentangledScores.margin + tileRows * kernel.stride) + DisentangledScores.margin
        let start = head.number * head.size
        unsafe key.values.withUnsafeBufferPointer { key in
            unsafe kernel.prepare(
                head: head.number, key.baseAddress! + head.keys.lowerBound * innerSize + start, keyStride: innerSize,
                scratch)
        }
        unsafe query.values.withUnsafeBufferPointer { query in
            for first in Swift.stride(from: 0, to: rows, by: tileRows) {
                let count = min(tileRows, rows - first)
                unsafe kernel.compute(
                    query.baseAddress! + (head.queries.lowerBound + first) * innerSize + start,
                    queryStride: innerSize, first: first, rows: count, scratch, into: block)
                for row in 0..<count {
                    unsafe (scores + (first + row) * stride).update(from: block + row * kernel.stride, count: tokens)
                }
            }
        }
    }
}
