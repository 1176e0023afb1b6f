/// The backward pass of scores with disentangled positions.
///
/// The gradients of the scores, each row moved so that equal distances stand in one column, are a matrix of queries (or
/// keys) by distances. Its products with the vectors of the distances, and its transposed's with the queries (or keys), are
/// all that is wanted. The matrix is a band; what lies outside is not multiplied.
///
/// Every sequence has memory of its own, so that threads share none, and the sum is in the order of the sequences.
@safe final class DisentangledGradients {
    private let positions: DisentangledPositions
    /// The table's rows that each sequence has distances for, and where its gradients of them begin.
    private let rows: [ClosedRange<Int>]
    private let offsets: [Int]
    private let count: Int
    private let values: UnsafeMutablePointer<Float>

    init(_ positions: DisentangledPositions, _ sequences: [Range<Int>]) {
        self.positions = positions
        rows = sequences.map { positions.distances.rows(reach: $0.count) }
        let offsets = rows.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count * positions.innerSize) }
        self.offsets = offsets
        count = offsets[sequences.count]
        unsafe values = .allocate(capacity: 2 * count)
        unsafe values.initialize(repeating: 0, count: 2 * count)
    }

    deinit { unsafe values.deallocate() }

    @unsafe
    private func gradient(_ table: DisentangledPositions.Table, _ sequence: Int) -> UnsafeMutablePointer<Float> {
        unsafe values + (table == .keys ? 0 : count) + offsets[sequence]
    }

    /// Adds one head's part, and what the distances contribute to `contentGradient`; see `DisentangledPositions.backward`.
    @unsafe
    func add(
        _ table: DisentangledPositions.Table, _ sequence: Int, _ head: AttentionHead, _ scores: Rows,
        content: Rows, to contentGradient: UnsafeMutablePointer<Float>
    ) {
        guard table == .keys ? positions.hasKeys : positions.hasQueries else { return }
        unsafe positions.backward(
            table, of: head, scores, content: content, addingTo: contentGradient,
            gradient(table, sequence) + head.number * head.size, rows: rows[sequence])
    }

    /// - Returns: the gradient of the rows that the positions were made of, `[rows, innerSize]`; `nil` where there are none.
    func sum(_ table: DisentangledPositions.Table) -> Tensor? {
        guard table == .keys ? positions.hasKeys : positions.hasQueries else { return nil }
        let (innerSize, all) = (positions.innerSize, positions.rows)
        var sum = Tensor.zeros([all.count, innerSize])
        unsafe sum.forEachRow { row, sum in
            for (sequence, rows) in rows.enumerated() where rows.contains(row + all.lowerBound) {
                let source = unsafe gradient(table, sequence) + (row + all.lowerBound - rows.lowerBound) * innerSize
                for i in 0..<innerSize { unsafe sum[i] += source[i] }
            }
        }
        return sum
    }

    /// Floats of scratch that the passes over one head take, besides those of plain attention.
    static func scratchCount(queries: Int, keys: Int, size: Int, _ positions: DisentangledPositions) -> Int {
        let (distances, padded) = (queries + keys - 1, paddedToTiles(size))
        let backward = max(queries, keys) * (distances + padded) + 2 * distances * padded + 64
        let kernel = DisentangledScores(positions: positions, size: size, queries: queries, keys: keys)
        let forward =
            kernel.scratchCount + DisentangledScores.margin + DisentangledScores.queriesPerTile * kernel.stride + 64
        return max(2 * backward, forward)
    }
}

extension DisentangledPositions {
    /// Adds to the gradient of one head's queries what comes from the keys of distances, and to those keys' gradient; or
    /// the same of its keys and the queries of distances.
    ///
    /// - Parameters:
    ///   - scores: the gradient of the scores.
    ///   - content: the head's queries, or its keys.
    ///   - contentGradient: `[queries, paddedSize]`, or `[keys, paddedSize]`.
    ///   - gradient: the head's columns of the first row of `rows`, `[rows, innerSize]`.
    @unsafe
    func backward(
        _ table: Table, of head: AttentionHead, _ scores: Rows, content: Rows,
        addingTo contentGradient: UnsafeMutablePointer<Float>, _ gradient: UnsafeMutablePointer<Float>,
        rows: ClosedRange<Int>
    ) {
        let (queries, keys, padded) = (head.queries.count, head.keys.count, head.paddedSize)
        let distances = queries + keys - 1
        let count = table == .keys ? queries : keys
        let moved = unsafe band(table, of: head, scores)
        let vectors = unsafe byDistance(table, of: head)
        // Where a row's distances begin, and how many there are.
        let width = table == .keys ? keys : queries
        func start(_ row: Int) -> Int { table == .keys ? queries - 1 - row : row }

        let products = unsafe head.scratch(max(count, distances) * padded)
        unsafe multiplyBand(moved, vectors, rows: count, into: products, padded) { rows in
            let ends = (start(rows.lowerBound), start(rows.upperBound - 1))
            return min(ends.0, ends.1)..<max(ends.0, ends.1) + width
        }
        for i in 0..<count * padded { unsafe contentGradient[i] += products[i] }

        unsafe multiplyBand(moved.transposed, content, rows: distances, into: products, padded) { columns in
            let (first, last) = (columns.lowerBound, columns.upperBound - 1)
            return table == .keys
                ? max(0, queries - 1 - last)..<min(queries, queries - 1 - first + keys)
                : max(0, first - queries + 1)..<min(keys, last + 1)
        }
        for distance in 0..<distances {
            let row = self.rows.lowerBound + row(ofDistance: distance - queries + 1) - rows.lowerBound
            let (source, target) = unsafe (products + distance * padded, gradient + row * innerSize)
            for i in 0..<head.size { unsafe target[i] += source[i] }
        }
    }

    /// `[queries, distances]`, or `[keys, distances]`; the first distance is that of the last query to the first key.
    @unsafe
    private func band(_ table: Table, of head: AttentionHead, _ scores: Rows) -> Rows {
        let (queries, keys) = (head.queries.count, head.keys.count)
        let distances = queries + keys - 1
        let count = table == .keys ? queries : keys
        let moved = unsafe head.scratch(count * distances)
        unsafe moved.update(repeating: 0, count: count * distances)
        for query in 0..<queries {
            let source = unsafe scores.pointer + query * scores.stride
            if table == .keys {
                unsafe (moved + query * distances + queries - 1 - query).update(from: source, count: keys)
            } else {
                let target = unsafe moved + queries - 1 - query
                for key in 0..<keys { unsafe target[key * (distances + 1)] = source[key] }
            }
        }
        return unsafe Rows(pointer: UnsafePointer(moved), stride: distances)
    }

    /// The head's vectors of all distances, `[distances, paddedSize]`.
    @unsafe
    private func byDistance(_ table: Table, of head: AttentionHead) -> Rows {
        let (queries, size, padded) = (head.queries.count, head.size, head.paddedSize)
        let distances = queries + head.keys.count - 1
        let vectors = unsafe head.scratch(distances * padded)
        unsafe vectors.update(repeating: 0, count: distances * padded)
        unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: distances * size) { columns in
            let columns = columns.baseAddress!
            unsafe copy(
                table, head: head.number, size: size, 1 - queries...head.keys.count - 1, to: columns,
                stride: distances, center: queries - 1)
            for i in 0..<size {
                for distance in 0..<distances {
                    unsafe vectors[distance * padded + i] = columns[i * distances + distance]
                }
            }
        }
        return unsafe Rows(pointer: UnsafePointer(vectors), stride: padded)
    }
}

/// `C = A·B`, where `A`'s values outside of the columns that `band` names for some rows are zero. The columns of `B` and `C`
/// are a number of whole tiles.
@unsafe @inline(__always)
private func multiplyBand(
    _ a: Rows, _ b: Rows, rows: Int, into c: UnsafeMutablePointer<Float>, _ cStride: Int,
    band: (_ rows: Range<Int>) -> Range<Int>
) {
    for row in stride(from: 0, to: rows, by: 4) {
        let count = min(4, rows - row)
        let depth = band(row..<row + count)
        let left = unsafe a.pointer + row * a.stride + depth.lowerBound * a.columnStride
        let right = unsafe b.pointer + depth.lowerBound * b.stride
        for column in stride(from: 0, to: cStride, by: 32) {
            unsafe multiplyTile(
                left, a.stride, a.columnStride, rows: count, right + column, b.stride, depth: depth.count,
                c + row * cStride + column, cStride)
        }
    }
}
