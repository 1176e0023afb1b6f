/// The values of a tensor where they are: in a tensor, or in memory that something else owns, such as a mapped file, in
/// this machine's form or in one that is converted whenever it is read.
public struct StoredTensor: Sendable {
    public let shape: Shape
    private let storage: Storage

    private enum Storage: Sendable {
        case tensor(Tensor)
        case borrowed(BorrowedValues)
        case converted(firstRow: Int, read: @Sendable (Range<Int>) -> Tensor)
    }

    public init(_ tensor: Tensor) {
        shape = tensor.shape
        storage = .tensor(tensor)
    }

    /// Values that are read in place.
    ///
    /// - Precondition: `values` are aligned, as many as the shape says, and unchanged as long as `owner` lives.
    @unsafe
    package init(_ shape: Shape, _ values: UnsafePointer<Float>, owner: any AnyObject & Sendable) {
        self.shape = shape
        storage = .borrowed(unsafe BorrowedValues(pointer: values, owner: owner))
    }

    /// A matrix that is converted whenever it is read, and kept by nobody.
    ///
    /// - Parameter read: gives some of the rows, `[range.count, columns]`.
    public init(_ shape: Shape, readingRows read: @escaping @Sendable (Range<Int>) -> Tensor) {
        precondition(shape.dimensions.count == 2, "\(shape) is no matrix")
        self.shape = shape
        storage = .converted(firstRow: 0, read: read)
    }

    private init(_ shape: Shape, _ storage: Storage) {
        self.shape = shape
        self.storage = storage
    }

    public var rows: Int { shape.rows }
    public var columns: Int { shape.columns }
    public var count: Int { shape.count }

    /// Whether the values are a tensor already.
    public var isTensor: Bool {
        if case .tensor = storage { true } else { false }
    }

    /// Rows of a matrix, `[range.count, columns]`: read where the whole is.
    public func rows(_ range: Range<Int>) -> StoredTensor {
        precondition((0...rows).contains(range.lowerBound) && range.upperBound <= rows, "rows \(range) of \(shape)")
        return switch storage {
        case .tensor(let tensor): StoredTensor(tensor.rows(range))
        case .borrowed(let values):
            unsafe StoredTensor(
                [range.count, columns], values.pointer + range.lowerBound * columns, owner: values.owner)
        case .converted(let first, let read):
            StoredTensor([range.count, columns], .converted(firstRow: first + range.lowerBound, read: read))
        }
    }

    /// The tensor, copied where the values lie elsewhere.
    public var tensor: Tensor {
        switch storage {
        case .tensor(let tensor): return tensor
        case .borrowed(let values):
            let count = shape.count
            return Tensor(
                shape,
                unsafe [Float](unsafeUninitializedCapacity: count) { output, initialized in
                    _ = unsafe output.initialize(from: UnsafeBufferPointer(start: values.pointer, count: count))
                    initialized = count
                })
        case .converted(let first, let read): return read(first..<first + rows)
        }
    }

    /// Whether no value is infinite or not a number. Of a matrix that lies elsewhere, a part at a time is in memory.
    public var isFinite: Bool {
        if isTensor || shape.dimensions.count != 2 { return tensor.isFinite }
        return stride(from: 0, to: rows, by: 1024).allSatisfy { rows($0..<min(rows, $0 + 1024)).tensor.isFinite }
    }

    @unsafe
    func withValues<Result>(_ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
        switch storage {
        case .tensor(let tensor): unsafe tensor.values.withUnsafeBufferPointer { unsafe body($0) }
        case .borrowed(let values):
            withExtendedLifetime(values) {
                unsafe body(UnsafeBufferPointer(start: values.pointer, count: shape.count))
            }
        case .converted: unsafe tensor.values.withUnsafeBufferPointer { unsafe body($0) }
        }
    }

    /// One row of a matrix; no other is read.
    @unsafe
    func withRow<Result>(_ row: Int, _ body: (UnsafeBufferPointer<Float>) -> Result) -> Result {
        if case .converted(let first, let read) = storage {
            return unsafe read(first + row..<first + row + 1).values.withUnsafeBufferPointer { unsafe body($0) }
        }
        return unsafe withValues { unsafe body(UnsafeBufferPointer(rebasing: $0[row * columns..<(row + 1) * columns])) }
    }
}

/// Memory that its owner keeps unchanged.
@safe private final class BorrowedValues: @unchecked Sendable {  // see `StoredTensor.init`
    let pointer: UnsafePointer<Float>
    let owner: any AnyObject & Sendable

    @unsafe
    init(pointer: UnsafePointer<Float>, owner: any AnyObject & Sendable) {
        unsafe self.pointer = pointer
        self.owner = owner
    }
}
