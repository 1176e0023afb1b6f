/// Attention of one head of a long sequence with products in bfloat16, where the encoder's products are in lower precision
/// too: of few keys, the copies would cost more than the products gain.
struct HalfAttentionHead {
    let size: Int
    /// The distances between rows of queries, and of keys and values.
    let queryStride: Int
    let keyStride: Int
    let keys: Int
    let scale: Float

    /// Queries whose scores are in memory at once.
    private static let queriesPerBlock = RowBlocks.largest

    /// Whether the processor multiplies bfloat16; bytes it may multiply without.
    private static let isAvailable = Precision.bf16.reasonUnavailable == nil

    var isWorthwhile: Bool { keys >= 96 && size % 16 == 0 && Self.isAvailable }

    private var paddedKeys: Int { paddedToTiles(keys) }

    /// Queries, keys, values and weights in halves; scores and sums.
    var scratchBytes: Int {
        let rows = Self.queriesPerBlock
        return 2 * (rows * size + 2 * paddedKeys * size + rows * paddedKeys) + 4 * rows * (paddedKeys + size) + 64 * 8
    }

    /// - Parameters: `query`, `key` and `value` begin with the head's columns of the sequence's first row.
    @unsafe
    func attend(
        _ query: UnsafePointer<Float>, queries: Int, _ key: UnsafePointer<Float>, _ value: UnsafePointer<Float>,
        _ context: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutableRawPointer
    ) {
        var next = unsafe scratch
        func take<Element>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element> {
            defer { unsafe next += (count * MemoryLayout<Element>.stride + 63) & ~63 }
            return unsafe next.assumingMemoryBound(to: type)
        }
        let (rows, width) = (Self.queriesPerBlock, paddedKeys)
        let (q, k, v) = unsafe (
            take(UInt16.self, rows * size), take(UInt16.self, width * size), take(UInt16.self, width * size)
        )
        let weights = unsafe take(UInt16.self, rows * width)
        let (scores, sums) = unsafe (take(Float.self, rows * width), take(Float.self, rows * size))
        unsafe copy(key, keyStride, rows: keys, to: k, padded: width)
        unsafe copy(value, keyStride, rows: keys, to: v, padded: width)
        for first in stride(from: 0, to: queries, by: rows) {
            let count = min(rows, queries - first)
            unsafe copy(
                query + first * queryStride, queryStride, rows: count, to: q, padded: RowBlocks.padded(count))
            for block in RowBlocks.blocks(count) {
                unsafe OneDNN.compute(
                    scoresProduct(block.count), q + block.lowerBound * size, k, bias: nil,
                    scores + block.lowerBound * width)
            }
            for row in 0..<count {
                let part = unsafe scores + row * width
                let total = unsafe exponentiate(part, count: keys, padded: width, scale: scale)
                unsafe roundToHalves(part, weights + row * width, width)
                // The sum is kept where a score was.
                unsafe part[0] = total
            }
            for block in RowBlocks.blocks(count) {
                unsafe OneDNN.compute(
                    contextProduct(block.count), weights + block.lowerBound * width, v, bias: nil,
                    sums + block.lowerBound * size)
            }
            for row in 0..<count {
                let factor = unsafe 1 / scores[row * width]
                let target = unsafe context + (first + row) * queryStride
                for i in 0..<size { unsafe target[i] = sums[row * size + i] * factor }
            }
        }
    }

    /// The head's columns of rows in halves, one behind the other, and zeros behind the last.
    @unsafe
    private func copy(
        _ source: UnsafePointer<Float>, _ stride: Int, rows: Int, to target: UnsafeMutablePointer<UInt16>, padded: Int
    ) {
        for row in 0..<rows { unsafe roundToHalves(source + row * stride, target + row * size, size) }
        unsafe (target + rows * size).update(repeating: 0, count: (padded - rows) * size)
    }

    /// `Q·Kᵀ`
    private func scoresProduct(_ rows: Int) -> MatrixProduct {
        MatrixProduct(
            rows: rows, columns: paddedKeys, depth: size, a: MatrixLayout(rowStride: size),
            b: MatrixLayout(rowStride: 1, columnStride: size), c: MatrixLayout(rowStride: paddedKeys),
            precision: .bf16)
    }

    /// `P·V`
    private func contextProduct(_ rows: Int) -> MatrixProduct {
        MatrixProduct(
            rows: rows, columns: size, depth: paddedKeys, a: MatrixLayout(rowStride: paddedKeys),
            b: MatrixLayout(rowStride: size), c: MatrixLayout(rowStride: size), precision: .bf16)
    }
}
