import CPlatform

/// Attention of one head of one sequence with products in bfloat16, where the encoder's products are in lower precision too.
struct HalfAttentionHead {
    let size: Int
    /// The distances between rows of queries, and of keys and values.
    let queryStride: Int
    let keyStride: Int
    let keys: Int
    let rules: AttentionScores

    /// Whether the processor that is compiled for multiplies bfloat16, and whole vectors end with the head.
    var isSupported: Bool { HAS_HALF_PRODUCTS != 0 && size % 16 == 0 }

    private var paddedKeys: Int { paddedToTiles(keys) }
    private var paddedSize: Int { paddedToTiles(size) }
    private var depth: Int { size / 2 }

    /// Pairs of keys, of values and of a block's queries and weights; its scores and sums.
    var scratchBytes: Int {
        let rows = rowsPerTile
        return 4 * (depth * paddedKeys + paddedKeys / 2 * paddedSize + rows * paddedSize / 2 + rows * widestBlock / 2)
            + 4 * rows * (widestBlock + paddedSize + 2) + 64 * 8
    }

    /// At most so many keys are attended to by one block of queries: whole tiles, of which the window meets two in part.
    private var widestBlock: Int {
        guard let window = rules.window else { return paddedKeys }
        return min(paddedKeys, paddedToTiles(rowsPerTile + 2 * window + 31))
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
        let (rows, paddedKeys, paddedSize, depth) = (rowsPerTile, paddedKeys, paddedSize, depth)
        let k = unsafe take(HalfPair.self, depth * paddedKeys)
        let v = unsafe take(HalfPair.self, paddedKeys / 2 * paddedSize)
        let q = unsafe take(HalfPair.self, rows * paddedSize / 2)
        let weights = unsafe take(HalfPair.self, rows * widestBlock / 2)
        let (scores, sums) = unsafe (take(Float.self, rows * widestBlock), take(Float.self, rows * paddedSize))
        let (largest, totals) = unsafe (take(Float.self, rows), take(Float.self, rows))
        unsafe packKeys(key, into: k)
        unsafe packValues(value, into: v)
        for first in stride(from: 0, to: queries, by: rows) {
            let count = min(rows, queries - first)
            // The same for a block that is not full, so that the sums are.
            let places = rules.places(of: first..<first + rows, among: keys)
            let firstKey = places.lowerBound & ~31
            let visible = places.upperBound - firstKey
            let width = paddedToTiles(visible)
            for row in 0..<count {
                for column in stride(from: 0, to: size, by: 32) {
                    unsafe store(
                        neighbors(query + (first + row) * queryStride, column), q + (row * paddedSize + column) / 2)
                }
            }
            for column in stride(from: 0, to: width, by: 32) {
                unsafe multiplyTile(
                    q, paddedSize / 2, rows: count, k + firstKey + column, paddedKeys, depth: depth, scores + column,
                    width)
            }
            // One thing after the other, so that no row waits for what the one before it becomes.
            for row in 0..<count {
                let part = unsafe scores + row * width
                unsafe rules.prepare(part, count: visible, head: number, distance: firstKey - first - row)
                unsafe largest[row] = maximum(part, count: visible, padded: width)
            }
            for row in 0..<count {
                unsafe totals[row] = exponentiate(
                    scores + row * width, count: width, scale: rules.factor, largest: largest[row],
                    into: UnsafeMutableRawPointer(weights + row * width / 2).assumingMemoryBound(to: UInt16.self))
            }
            for column in stride(from: 0, to: paddedSize, by: 32) {
                unsafe multiplyTile(
                    weights, width / 2, rows: count, v + firstKey / 2 * paddedSize + column, paddedSize,
                    depth: (visible + 1) / 2, sums + column, paddedSize)
            }
            for row in 0..<count {
                let target = unsafe context + (first + row) * queryStride
                let factor = unsafe SIMD16(repeating: 1 / totals[row])
                for i in stride(from: 0, to: size, by: 16) {
                    unsafe store(lanes(sums + row * paddedSize + i) * factor, target + i)
                }
            }
        }
    }

    /// Neighbours among 32 columns of a row from one of them on, with zeros behind the head's last.
    @unsafe @inline(__always)
    private func neighbors(_ row: UnsafePointer<Float>, _ column: Int) -> SIMD16<UInt32> {
        let first = unsafe lanes(row + column)
        return cplatform_neighbors(first, column + 16 < size ? unsafe lanes(row + column + 16) : .zero)
    }

    /// `[keys, size]` to `[size / 2, paddedKeys]` of pairs of columns, with zeros behind the last key.
    @unsafe
    private func packKeys(_ key: UnsafePointer<Float>, into target: UnsafeMutablePointer<HalfPair>) {
        let words = unsafe UnsafeMutableRawPointer(target).assumingMemoryBound(to: UInt32.self)
        for first in stride(from: 0, to: paddedKeys, by: 16) {
            for column in stride(from: 0, to: size, by: 32) {
                unsafe transposeTile(
                    into: words + column / 2 * paddedKeys + first, stride: paddedKeys,
                    columns: min(16, (size - column) / 2)
                ) { row in
                    first + row < keys ? unsafe neighbors(key + (first + row) * keyStride, column) : .zero
                }
            }
        }
    }

    /// `[keys, size]` to `[paddedKeys / 2, paddedSize]` of pairs of keys, with zeros behind the last of either.
    @unsafe
    private func packValues(_ value: UnsafePointer<Float>, into target: UnsafeMutablePointer<HalfPair>) {
        for first in stride(from: 0, to: paddedKeys, by: 2) {
            let row = unsafe target + first / 2 * paddedSize
            let source = unsafe value + first * keyStride
            for column in stride(from: 0, to: paddedSize, by: 16) {
                let isInside = column < size
                let even = isInside && first < keys ? unsafe lanes(source + column) : .zero
                let odd = isInside && first + 1 < keys ? unsafe lanes(source + keyStride + column) : .zero
                unsafe store(cplatform_paired(even, odd), row + column)
            }
        }
    }
}

@unsafe @inline(__always)
private func store(_ lanes: SIMD16<UInt32>, _ pointer: UnsafeMutablePointer<HalfPair>) {
    unsafe UnsafeMutableRawPointer(pointer).storeBytes(of: lanes, as: SIMD16<UInt32>.self)
}
