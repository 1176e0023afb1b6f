/// Scaled dot-product attention for inference: of every head and few queries at a time, scores, softmax and weighted sum
/// without a matrix of scores in memory.
///
/// Source: Vaswani et al. 2017, "Attention Is All You Need", §3.2; blocks of queries as in Dao et al. 2022,
/// "FlashAttention", §3.1, with whole rows of scores.
public enum FusedAttention {
    /// - Parameters:
    ///   - query: `[queries, innerSize]`, the heads side by side in each row.
    ///   - keyValue: `[tokens, 2·innerSize]`, the keys and then the values.
    ///   - queries: the rows of each sequence in `query`; all, or the first of them.
    ///   - keys: the rows of each sequence in `keyValue`.
    ///   - scale: of the scores, by default `1 / √headSize`.
    ///   - bias: added to the scaled scores.
    ///   - window: the largest distance to a key that a query attends to; what lies farther is not computed.
    ///   - positions: what the distances add to the products of queries and keys, before they are scaled.
    ///   - context: becomes `[queries, innerSize]`.
    public static func attend(
        _ query: Activations, _ keyValue: Activations, queries: [Range<Int>], keys: [Range<Int>], heads: Int,
        scale: Float? = nil, bias: RelativeBias? = nil, window: Int? = nil,
        positions: DisentangledPositions? = nil, into context: Activations
    ) {
        let innerSize = query.columns
        let headSize = innerSize / heads
        precondition(headSize * heads == innerSize && keyValue.columns == 2 * innerSize, "\(heads) heads")
        precondition(
            queries.allSatisfy { $0.upperBound <= query.rows } && keys.allSatisfy { $0.upperBound <= keyValue.rows },
            "sequences beyond \(query.rows) queries or \(keyValue.rows) keys")
        precondition(context.columns == innerSize, "context of \(context.columns) columns for \(innerSize)")
        precondition(
            queries.count == keys.count && zip(queries, keys).allSatisfy { $0.isEmpty || !$1.isEmpty },
            "\(queries.count) sequences of queries, \(keys.count) of keys, or queries without keys")
        precondition(
            window == nil || zip(queries, keys).allSatisfy { $0.count <= $1.count }, "queries beyond all windows")
        context.resize(query.rows)
        let length = zip(queries, keys).reduce(0) { max($0, $1.0.count, $1.1.count) }
        AttentionScores.with(
            scale: scale, bias: bias, window: window, heads: heads, headSize: headSize, length: length
        ) { rules in
            unsafe attend(
                query, keyValue, queries: queries, keys: keys, heads: heads, rules, positions, into: context)
        }
    }

    @unsafe
    private static func attend(
        _ query: Activations, _ keyValue: Activations, queries: [Range<Int>], keys: [Range<Int>], heads: Int,
        _ rules: AttentionScores, _ positions: DisentangledPositions?, into context: Activations
    ) {
        let innerSize = query.columns
        let headSize = innerSize / heads
        // Sequences of one batch are alike in length; heads are shared among the threads where sequences are few.
        let pool = ThreadPool.shared
        let groups = pool.isSplitting || queries.count >= 2 * pool.threads ? 1 : min(heads, 4)
        pool.run(queries.count * groups) { index in
            let (sequence, group) = (index / groups, index % groups)
            let (rows, tokens) = (queries[sequence], keys[sequence])
            if rows.isEmpty { return }
            let head = Head(
                size: headSize, queryStride: innerSize, keyStride: 2 * innerSize, keys: tokens.count, rules: rules,
                distances: positions.map {
                    DisentangledScores(positions: $0, size: headSize, queries: rows.count, keys: tokens.count)
                })
            let halves = HalfAttentionHead(
                size: headSize, queryStride: innerSize, keyStride: 2 * innerSize, keys: tokens.count, rules: rules)
            let usesHalves = context.precision != .f32 && positions == nil && halves.isSupported
            let byteCount = usesHalves ? halves.scratchBytes : 4 * head.scratchCount
            unsafe withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) { memory in
                let scratch = unsafe memory.baseAddress!.assumingMemoryBound(to: Float.self)
                for number in heads * group / groups..<heads * (group + 1) / groups {
                    let start = number * headSize
                    let key = unsafe keyValue.values[tokens.lowerBound] + start
                    let query = unsafe query.values[rows.lowerBound] + start
                    let output = unsafe context.values[rows.lowerBound] + start
                    if usesHalves {
                        unsafe halves.attend(
                            number, query, queries: rows.count, key, key + innerSize, output, memory.baseAddress!)
                    } else {
                        unsafe head.attend(
                            number, query, queries: rows.count, key, key + innerSize, output, scratch)
                    }
                }
            }
            if groups == 1 {
                for row in rows { unsafe context.convert(row, from: context.values[row], factors: nil) }
            }
        }
        if groups > 1, context.precision != .f32 {
            pool.run(query.rows) { row in unsafe context.convert(row, from: context.values[row], factors: nil) }
        }
    }

    /// One head of one sequence.
    private struct Head {
        let size: Int
        let queryStride: Int
        let keyStride: Int
        let keys: Int
        let rules: AttentionScores
        let distances: DisentangledScores?
        /// Whole tiles of keys.
        var paddedKeys: Int { paddedToTiles(keys) }
        var paddedSize: Int { paddedToTiles(size) }
        /// Values are read for every block of queries: of many, side by side, not each from a row of all heads.
        var copiesValues: Bool { size != paddedSize || keys > 64 }
        private var keyCount: Int { distances?.scratchCount ?? size * paddedKeys }
        private var scoreMargin: Int { distances == nil ? 0 : DisentangledScores.margin }
        /// Keys by columns, values by rows where a head is not made of whole tiles, scores, sums, and of each row the largest
        /// score and the total.
        var scratchCount: Int {
            keyCount + (copiesValues ? keys * paddedSize : 0) + rowsPerTile * (paddedSize + 2)
                + scoreMargin + rowsPerTile * (distances?.stride ?? paddedKeys)
        }

        @unsafe
        func attend(
            _ number: Int, _ query: UnsafePointer<Float>, queries: Int, _ key: UnsafePointer<Float>,
            _ value: UnsafePointer<Float>,
            _ context: UnsafeMutablePointer<Float>, _ scratch: UnsafeMutablePointer<Float>
        ) {
            let (paddedKeys, paddedSize) = (paddedKeys, paddedSize)
            let transposed = unsafe scratch
            if let distances {
                unsafe distances.prepare(head: number, key, keyStride: keyStride, transposed)
            } else {
                unsafe transpose(key, keyStride, rows: keys, columns: size, into: transposed, stride: paddedKeys)
            }
            var rest = unsafe scratch + keyCount
            var (values, valueStride) = unsafe (value, keyStride)
            if copiesValues {
                for row in 0..<keys {
                    for i in 0..<size { unsafe rest[row * paddedSize + i] = value[row * keyStride + i] }
                    for i in size..<paddedSize { unsafe rest[row * paddedSize + i] = 0 }
                }
                unsafe (values, valueStride) = (UnsafePointer(rest), paddedSize)
                unsafe rest += keys * paddedSize
            }
            let sums = unsafe rest
            let largest = unsafe sums + rowsPerTile * paddedSize
            let totals = unsafe largest + rowsPerTile
            let scores = unsafe totals + rowsPerTile + scoreMargin
            for first in stride(from: 0, to: queries, by: rowsPerTile) {
                let rows = min(rowsPerTile, queries - first)
                let places = rules.places(of: first..<first + rowsPerTile, among: keys)
                // From the beginning of a tile.
                let firstKey = places.lowerBound & ~31
                let count = places.upperBound - firstKey
                let padded = paddedToTiles(count)
                let width = distances?.stride ?? padded
                if let distances {
                    for row in stride(from: 0, to: rows, by: 4) {
                        unsafe distances.compute(
                            query + (first + row) * queryStride, queryStride: queryStride, first: first + row,
                            rows: min(4, rows - row), transposed, into: scores + row * width)
                    }
                } else {
                    for column in stride(from: 0, to: width, by: 32) {
                        unsafe multiplyTile(
                            query + first * queryStride, queryStride, rows: rows, transposed + firstKey + column,
                            paddedKeys, depth: size, scores + column, width)
                    }
                }
                // One thing after the other, so that no row waits for what the one before it becomes.
                for row in 0..<rows {
                    let part = unsafe scores + row * width
                    unsafe rules.prepare(part, count: count, head: number, distance: firstKey - first - row)
                    unsafe largest[row] = maximum(part, count: count, padded: padded)
                }
                for row in 0..<rows {
                    unsafe totals[row] = exponentiate(
                        scores + row * width, count: padded, scale: rules.factor, largest: largest[row])
                }
                for column in stride(from: 0, to: paddedSize, by: 32) {
                    unsafe multiplyTile(
                        scores, width, rows: rows, values + firstKey * valueStride + column, valueStride, depth: count,
                        sums + column, paddedSize)
                }
                for row in 0..<rows {
                    let target = unsafe context + (first + row) * queryStride
                    let factor = unsafe 1 / totals[row]
                    for i in 0..<size { unsafe target[i] = sums[row * paddedSize + i] * factor }
                }
            }
        }
    }
}
