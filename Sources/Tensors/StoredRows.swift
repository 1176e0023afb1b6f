/// A matrix whose rows are read one by one where they are, in the type in which they are stored: a table that is too large
/// to copy.
public struct StoredRows: Sendable {
    public enum Element: Sendable {
        case float32, float16, bfloat16, float64
        /// Whole numbers, without a scale.
        case int8
    }

    public let rows: Int
    public let columns: Int
    private let element: Element
    private let storage: BorrowedBytes

    /// - Precondition: `bytes` hold as many values as the shape says, aligned in no particular way, and are unchanged as long
    ///   as `owner` lives.
    @unsafe
    package init(
        rows: Int, columns: Int, _ element: Element, _ bytes: UnsafeRawPointer, owner: any AnyObject & Sendable
    ) {
        self.rows = rows
        self.columns = columns
        self.element = element
        storage = unsafe BorrowedBytes(pointer: bytes, owner: owner)
    }

    /// `Σ factors[i] · rows[i]`, or the plain sum.
    ///
    /// - Parameters:
    ///   - sum: `columns` values, to which the rows are added.
    ///   - factors: one for each of `indices`; `nil` for 1.
    /// - Precondition: every index is a row.
    public func add(_ indices: [Int32], factors: [Float]? = nil, to sum: inout [Float]) {
        precondition(sum.count == columns && (factors.map { $0.count == indices.count } ?? true), "\(sum.count)")
        precondition(indices.allSatisfy { (0..<Int32(rows)).contains($0) }, "row outside a table of \(rows)")
        switch element {
        case .float32: add(indices, factors, to: &sum, Float.self) { $0 }
        case .float16: add(indices, factors, to: &sum, Float16.self) { Float($0) }
        case .bfloat16: add(indices, factors, to: &sum, UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .float64: add(indices, factors, to: &sum, Double.self) { Float($0) }
        case .int8: add(indices, factors, to: &sum, Int8.self) { Float($0) }
        }
    }

    @inline(__always)
    private func add<Stored: BitwiseCopyable>(
        _ indices: [Int32], _ factors: [Float]?, to sum: inout [Float], _ type: Stored.Type,
        _ convert: (Stored) -> Float
    ) {
        let size = MemoryLayout<Stored>.size
        let columns = columns
        let base = unsafe storage.pointer
        unsafe sum.withUnsafeMutableBufferPointer { sum in
            for (place, index) in indices.enumerated() {
                let row = unsafe base + Int(index) * columns * size
                let factor = factors?[place] ?? 1
                for i in 0..<columns {
                    let value = unsafe row.loadUnaligned(fromByteOffset: i * size, as: type)
                    unsafe sum[i] += factor * convert(value)
                }
            }
        }
        withExtendedLifetime(storage) {}
    }
}

/// Memory that its owner keeps unchanged.
@safe final class BorrowedBytes: @unchecked Sendable {  // see `StoredRows.init`
    let pointer: UnsafeRawPointer
    let owner: any AnyObject & Sendable

    @unsafe
    init(pointer: UnsafeRawPointer, owner: any AnyObject & Sendable) {
        unsafe self.pointer = pointer
        self.owner = owner
    }
}
