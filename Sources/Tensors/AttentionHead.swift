/// One head of one sequence, or of a part of it, and memory for what is computed of it.
///
/// Slices of a head are copied out of the rows of all heads and filled up with zeros to whole tiles, so that products run
/// over them without edges.
@safe struct AttentionHead {
    /// Its rows among the queries, and among the keys.
    let queries: Range<Int>
    let keys: Range<Int>
    let size: Int
    /// The columns of all heads.
    let innerSize: Int
    private(set) var number = 0
    private let memory: ScratchMemory

    /// - Parameter extra: floats of scratch besides those of scores, their gradient and the slices.
    init(queries: Range<Int>, keys: Range<Int>, size: Int, innerSize: Int, extra: Int = 0) {
        self.queries = queries
        self.keys = keys
        self.size = size
        self.innerSize = innerSize
        let (rows, tokens) = (queries.count, keys.count)
        let (columns, padded) = (paddedToTiles(tokens), paddedToTiles(size))
        // At most: three slices, one by columns, sums, weights without the dropped ones, scores.
        memory = ScratchMemory(
            2 * rows * padded + tokens * padded + size * columns + max(rows, tokens) * padded + 2 * rows * columns
                + extra)
    }

    var paddedSize: Int { paddedToTiles(size) }

    /// Turns to another head of the same sequence; slices of the one before are no longer there.
    mutating func begin(_ number: Int) {
        self.number = number
        memory.clear()
    }

    /// Memory for this head, not initialized.
    @unsafe
    func scratch(_ count: Int) -> UnsafeMutablePointer<Float> { unsafe memory.take(count) }

    /// The head's columns of some rows, `[rows, paddedSize]`.
    @unsafe
    func slice(_ tensor: Tensor, _ rows: Range<Int>) -> Rows {
        let padded = paddedSize
        let target = unsafe scratch(rows.count * padded)
        unsafe tensor.values.withUnsafeBufferPointer { values in
            for (index, row) in rows.enumerated() {
                let source = unsafe values.baseAddress! + row * innerSize + number * size
                let target = unsafe target + index * padded
                for i in 0..<size { unsafe target[i] = source[i] }
                for i in size..<padded { unsafe target[i] = 0 }
            }
        }
        return unsafe Rows(pointer: UnsafePointer(target), stride: padded)
    }

    /// The head's columns of some rows, as rows: `[size, rows]`.
    @unsafe
    func columns(_ tensor: Tensor, _ rows: Range<Int>) -> Rows {
        let padded = paddedToTiles(rows.count)
        let target = unsafe scratch(size * padded)
        unsafe tensor.values.withUnsafeBufferPointer { values in
            let source = unsafe values.baseAddress! + rows.lowerBound * innerSize + number * size
            unsafe transpose(source, innerSize, rows: rows.count, columns: size, into: target, stride: padded)
        }
        return unsafe Rows(pointer: UnsafePointer(target), stride: padded)
    }

    /// Writes `[rows, paddedSize]` to the head's columns of some rows.
    @unsafe
    func write(
        _ values: UnsafeMutablePointer<Float>, to output: UnsafeMutableBufferPointer<Float>, _ rows: Range<Int>
    ) {
        for (index, row) in rows.enumerated() {
            unsafe (output.baseAddress! + row * innerSize + number * size).update(
                from: values + index * paddedSize, count: size)
        }
    }

    /// Adds `[rows, paddedSize]` to the head's columns of some rows.
    @unsafe
    func add(
        _ values: UnsafeMutablePointer<Float>, to output: UnsafeMutableBufferPointer<Float>, _ rows: Range<Int>
    ) {
        for (index, row) in rows.enumerated() {
            let target = unsafe output.baseAddress! + row * innerSize + number * size
            let values = unsafe values + index * paddedSize
            for i in 0..<size { unsafe target[i] += values[i] }
        }
    }
}

/// The left- or right-hand side of a small product.
@unsafe struct Rows {
    let pointer: UnsafePointer<Float>
    /// The distance between two rows, and between two columns.
    var stride: Int
    var columnStride = 1

    var transposed: Rows { unsafe Rows(pointer: pointer, stride: columnStride, columnStride: stride) }
}

/// Up to whole tiles of columns.
func paddedToTiles(_ count: Int) -> Int { (count + 31) & ~31 }

/// `C = A·B`; the columns of `B` and `C` are as many as `C`'s stride, a number of whole tiles.
@unsafe
func multiply(_ a: Rows, _ b: Rows, rows: Int, depth: Int, into c: UnsafeMutablePointer<Float>, _ cStride: Int) {
    for column in stride(from: 0, to: cStride, by: 32) {
        for row in stride(from: 0, to: rows, by: rowsPerTile) {
            let count = min(rowsPerTile, rows - row)
            let (left, right) = unsafe (a.pointer + row * a.stride, b.pointer + column)
            let target = unsafe c + row * cStride + column
            if unsafe a.columnStride == 1 {
                unsafe multiplyTile(
                    left, a.stride, rows: count, right, b.stride, depth: depth, target, cStride)
            } else {
                unsafe multiplyTile(
                    left, a.stride, a.columnStride, rows: count, right, b.stride, depth: depth, target, cStride)
            }
        }
    }
}

/// Memory that is given out piece by piece and taken back at once.
@safe private final class ScratchMemory {
    private let start: UnsafeMutablePointer<Float>
    private let capacity: Int
    private var used = 0

    init(_ capacity: Int) {
        // Pieces begin on the boundaries of vectors.
        self.capacity = capacity + 8 * 16
        unsafe start = UnsafeMutableRawPointer.allocate(byteCount: 4 * self.capacity, alignment: 64)
            .assumingMemoryBound(to: Float.self)
    }

    deinit { unsafe UnsafeMutableRawPointer(start).deallocate() }

    @unsafe
    func take(_ count: Int) -> UnsafeMutablePointer<Float> {
        let padded = (count + 15) & ~15
        precondition(used + padded <= capacity, "\(count) more than \(capacity - used) of \(capacity) floats")
        defer { used += padded }
        return unsafe start + used
    }

    func clear() { used = 0 }
}
