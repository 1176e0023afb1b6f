import CPlatform
import Glibc

/// A matrix of rows that are read and changed one by one at random: each begins on a 64-byte boundary, and what is behind
/// its columns is zero.
@safe package final class RowTable: @unchecked Sendable {  // training hands each row to one thread at a time
    package let rows: Int
    package let columns: Int
    /// Floats from one row to the next: a multiple of 16.
    let stride: Int
    let values: UnsafeMutablePointer<Float>

    /// Zeros.
    package init(rows: Int, columns: Int) {
        self.rows = rows
        self.columns = columns
        stride = (columns + 15) / 16 * 16
        let size = max(1, rows * stride * 4)
        let page = 2 << 20
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: size < page ? 64 : page)
        // Large pages: every row is somewhere else.
        if size >= page { _ = unsafe madvise(memory, size, MADV_HUGEPAGE) }
        unsafe memset(memory, 0, size)
        unsafe values = memory.assumingMemoryBound(to: Float.self)
    }

    deinit { unsafe values.deallocate() }

    /// Draws all values from `-limit..<limit`, each row from its own number: the same whatever the threads.
    package func fillUniformly(limit: Float, seed: UInt64) {
        let perBlock = 1024
        ThreadPool.shared.run((rows + perBlock - 1) / perBlock) { block in
            for row in block * perBlock..<min(rows, (block + 1) * perBlock) {
                var random = SplitMix(seed &+ UInt64(row) &* 0xD134_2543_DE82_EF95)
                for i in 0..<columns { unsafe values[row * stride + i] = (2 * random.uniform() - 1) * limit }
            }
        }
    }

    /// A copy of a row.
    package func row(_ row: Int) -> [Float] {
        precondition(0..<rows ~= row, "row \(row) of \(rows)")
        return unsafe Array(UnsafeBufferPointer(start: values + row * stride, count: columns))
    }

    /// Gives a row its values.
    package func set(_ row: Int, _ values: [Float]) {
        precondition(0..<rows ~= row && values.count == columns, "\(values.count) values for row \(row)")
        unsafe values.withUnsafeBufferPointer {
            unsafe (self.values + row * stride).update(from: $0.baseAddress!, count: columns)
        }
    }

    /// The scalar product of every row with a vector.
    package func products(with vector: [Float]) -> [Float] {
        precondition(vector.count == columns, "\(vector.count) values for \(columns) columns")
        let padded = vector + [Float](repeating: 0, count: stride - columns)
        return unsafe padded.withUnsafeBufferPointer { vector in
            (0..<rows).map { unsafe product($0, vector.baseAddress!) }
        }
    }

    /// - Parameter vector: as long as rows are apart.
    @unsafe @inline(__always)
    func product(_ row: Int, _ vector: UnsafePointer<Float>) -> Float {
        let row = unsafe values + row * stride
        var sum = SIMD16<Float>.zero
        for lane in Swift.stride(from: 0, to: stride, by: 16) {
            unsafe sum = multiplyAdd(lanes(row + lane), lanes(vector + lane), sum)
        }
        return total(sum)
    }
}

/// Random numbers whose state is on the stack. Source: see `RandomSource`.
struct SplitMix {
    private var state: UInt64

    @inline(__always)
    init(_ seed: UInt64) { state = seed }

    @inline(__always)
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// In `0..<1`.
    @inline(__always)
    mutating func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// In `0..<limit`.
    @inline(__always)
    mutating func below(_ limit: Int) -> Int { Int(truncatingIfNeeded: ((next() >> 32) &* UInt64(limit)) >> 32) }
}
