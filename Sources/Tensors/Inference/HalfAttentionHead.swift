/// Attention of one head of a long sequence with products in bfloat16, where the encoder's products are in lower precision
/// too: of few keys, the copies would cost more than the products gain.
struct HalfAttentionHead {
    let size: Int
    /// The distances between rows of queries, and of keys and values.
    let queryStride: Int
    let keyStride: Int
    let keys: Int
    let rules: AttentionScores

    /// Queries whose scores are in memory at once.
    private static let queriesPerBlock = RowBlocks.largest

    /// Whether the processor multiplies bfloat16; bytes it may multiply without.
    private static let isAvailable = Precision.bf16.reasonUnavailable == nil

    var isWorthwhile: Bool { keys >= 96 && size % 16 == 0 && Self.isAvailable }

    private var paddedKeys: Int { paddedToTiles(keys) }

    /// Queries, keys, values and weights in halves; scores and sums.
    var scratchBytes: Int {
        let rows = Self.queriesPerBlock
        let width = widestBlock
        return 2 * (rows * size + 2 * paddedKeys * size + rows * width) + 4 * rows * (width + size) + 64 * 8
    }

    /// At most so many keys are attended to by one block of queries: whole tiles, of which the window meets two in part.
    private var widestBlock: Int {
        guard let window = rules.window else { return paddedKeys }
        return min(paddedKeys, paddedToTiles(Self.queriesPerBlock + 2 * window + 31))
    }

    /// - Parameters: `number` is the head's; `query`, `key` and `value` begin with the head's columns of the sequence's first row.
    @unsafe
    func attend(
        _ number: Int, _ query: UnsafePointer<Float>, queries: Int, _ key: UnsafePointer<Float>,
        _ value: UnsafePointer<Float>,
        _ context: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutableRawPointer
    ) {
        var next = unsafe scratch
        func take<Element>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element> {
            defer { unsafe next += (count * MemoryLayout<Element>.stride + 63) & ~63 }
            return unsafe next.assumingMemoryBound(to: type)
        }
        let (rows, padded, widest) = (Self.queriesPerBlock, paddedKeys, widestBlock)
        let (q, k, v) = unsafe (
            take(UInt16.self, rows * size), take(UInt16.self, padded * size), take(UInt16.self, padded * size)
        )
        let weights = unsafe take(UInt16.self, rows * widest)
        let (scores, sums) = unsafe (take(Float.self, rows * widest), take(Float.self, rows * size))
        unsafe copy(key, keyStride, rows: keys, to: k, padded: padded)
        unsafe copy(value, keyStride, rows: keys, to: v, padded: padded)
        for first in stride(from: 0, to: queries, by: rows) {
            let count = min(rows, queries - first)
            unsafe copy(
                query + first * queryStride, queryStride, rows: count, to: q, padded: RowBlocks.padded(count))
            // The same for a block that is not full, so that the sums are.
            let places = rules.places(of: first..<first + rows, among: keys)
            let firstKey = places.lowerBound & ~31
            let visible = places.upperBound - firstKey
            let width = paddedToTiles(visible)
            for block in RowBlocks.blocks(count) {
                unsafe OneDNN.compute(
                    scoresProduct(block.count, width), q + block.lowerBound * size, k + firstKey * size, bias: nil,
                    scores + block.lowerBound * width)
            }
            for row in 0..<count {
                let part = unsafe scores + row * width
                let factor = unsafe rules.prepare(
                    part, count: visible, head: number, distance: firstKey - first - row)
                let total = unsafe exponentiate(
                    part, count: visible, padded: width, scale: factor, into: weights + row * width)
                // The sum is kept where a score was.
                unsafe part[0] = total
            }
            for block in RowBlocks.blocks(count) {
                unsafe OneDNN.compute(
                    contextProduct(block.count, width), weights + block.lowerBound * width, v + firstKey * size,
                    bias: nil,
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
    private func scoresProduct(_ rows: Int, _ keys: Int) -> MatrixProduct {
        MatrixProduct(
            rows: rows, columns: keys, depth: size, a: MatrixLayout(rowStride: size),
            b: MatrixLayout(rowStride: 1, columnStride: size), c: MatrixLayout(rowStride: keys),
            precision: .bf16)
    }

    /// `P·V`
    private func contextProduct(_ rows: Int, _ keys: Int) -> MatrixProduct {
        MatrixProduct(
            rows: rows, columns: size, depth: keys, a: MatrixLayout(rowStride: keys),
            b: MatrixLayout(rowStride: size), c: MatrixLayout(rowStride: size), precision: .bf16)
    }
}
