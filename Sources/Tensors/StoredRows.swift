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
    let element: Element
    let storage: BorrowedBytes
    /// Where each row begins, in bytes, where rows do not follow one another.
    private let places: [Int]?

    /// - Precondition: `bytes` hold as many values as the shape says, aligned in no particular way, and are unchanged as long
    ///   as `owner` lives.
    @unsafe
    package init(
        rows: Int, columns: Int, _ element: Element, _ bytes: UnsafeRawPointer, owner: any AnyObject & Sendable
    ) {
        self.rows = rows
        self.columns = columns
        self.element = element
        storage = unsafe BorrowedBytes(bytes, count: rows * columns * element.size, owner: owner)
        places = nil
    }

    /// Rows of f32 among other bytes.
    ///
    /// - Parameters:
    ///   - columns: at least 1.
    ///   - places: where each row begins, in bytes, aligned in no particular way.
    /// - Precondition: every row is within the bytes.
    package init(columns: Int, _ bytes: BorrowedBytes, places: [Int]) {
        precondition(places.allSatisfy { $0 >= 0 && $0 <= bytes.count - 4 * columns }, "a row beyond \(bytes.count)")
        rows = places.count
        self.columns = columns
        element = .float32
        storage = bytes
        self.places = places
    }

    /// Rows of f32 one behind the other.
    ///
    /// - Precondition: there are as many bytes as the shape says.
    package init(rows: Int, columns: Int, _ bytes: BorrowedBytes) {
        precondition(bytes.count == 4 * rows * columns, "\(bytes.count) bytes for [\(rows), \(columns)]")
        self.rows = rows
        self.columns = columns
        element = .float32
        storage = bytes
        places = nil
    }

    /// A matrix of f32 in memory of its own, which `body` fills.
    package init(rows: Int, columns: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        let buffer = AlignedBuffer(byteCount: 4 * rows * columns)
        unsafe body(buffer.floats)
        self.init(
            rows: rows, columns: columns,
            unsafe BorrowedBytes(buffer.pointer, count: 4 * rows * columns, owner: buffer))
    }

    /// A copy of a matrix.
    package init(_ tensor: Tensor) {
        self.init(rows: tensor.rows, columns: tensor.columns, BorrowedBytes(tensor.values))
    }

    /// Some of the rows, which stay where they are.
    package func selecting(_ rows: [Int]) -> StoredRows {
        precondition(element == .float32, "rows of \(element)")
        return StoredRows(columns: columns, storage, places: rows.map(place))
    }

    /// Where a row begins, in bytes.
    @inline(__always)
    func place(_ row: Int) -> Int { places.map { $0[row] } ?? row * columns * element.size }

    /// A copy of a row.
    public func row(_ index: Int) -> [Float] {
        var values = [Float](repeating: 0, count: columns)
        add([Int32(index)], to: &values)
        return values
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
        case .float32: addFloats(indices, factors, to: &sum)
        case .float16: add(indices, factors, to: &sum, Float16.self) { Float($0) }
        case .bfloat16: add(indices, factors, to: &sum, UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .float64: add(indices, factors, to: &sum, Double.self) { Float($0) }
        case .int8: add(indices, factors, to: &sum, Int8.self) { Float($0) }
        }
    }

    /// In sixteen lanes.
    private func addFloats(_ indices: [Int32], _ factors: [Float]?, to sum: inout [Float]) {
        let (columns, whole) = (columns, columns & ~15)
        let base = unsafe storage.pointer
        unsafe sum.withUnsafeMutableBufferPointer { buffer in
            guard let sum = buffer.baseAddress else { return }
            for (place, index) in indices.enumerated() {
                let row = unsafe base + self.place(Int(index))
                let factor = factors?[place] ?? 1
                for i in stride(from: 0, to: whole, by: 16) {
                    let values = unsafe row.loadUnaligned(fromByteOffset: 4 * i, as: SIMD16<Float>.self)
                    unsafe store(lanes(sum + i) + values * factor, sum + i)
                }
                for i in whole..<columns {
                    unsafe sum[i] += factor * row.loadUnaligned(fromByteOffset: 4 * i, as: Float.self)
                }
            }
        }
        withExtendedLifetime(storage) {}
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
                let row = unsafe base + self.place(Int(index))
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

extension StoredRows.Element {
    /// Bytes of a value.
    var size: Int {
        switch self {
        case .int8: 1
        case .float16, .bfloat16: 2
        case .float32: 4
        case .float64: 8
        }
    }
}
