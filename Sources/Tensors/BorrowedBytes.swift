/// Memory that its owner keeps unchanged.
@safe package struct BorrowedBytes: @unchecked Sendable {  // see `init`
    package let pointer: UnsafeRawPointer
    package let count: Int
    private let owner: any AnyObject & Sendable

    /// - Precondition: the bytes are unchanged as long as `owner` lives.
    @unsafe
    package init(_ pointer: UnsafeRawPointer, count: Int, owner: any AnyObject & Sendable) {
        unsafe self.pointer = pointer
        self.count = count
        self.owner = owner
    }

    /// A copy of values.
    package init<Value: BitwiseCopyable>(_ values: [Value]) {
        let size = values.count * MemoryLayout<Value>.stride
        let buffer = AlignedBuffer(byteCount: size)
        unsafe values.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress { unsafe buffer.pointer.copyMemory(from: base, byteCount: size) }
        }
        unsafe self.init(buffer.pointer, count: size, owner: buffer)
    }

    /// The value at a place in bytes, wherever that is aligned.
    ///
    /// - Precondition: it is within the bytes.
    @inline(__always)
    package func load<Value: BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "\(offset) of \(count) bytes")
        return unsafe pointer.loadUnaligned(fromByteOffset: offset, as: type)
    }

    /// - Precondition: the range is within the bytes.
    @inline(__always)
    package func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count) bytes")
        defer { withExtendedLifetime(owner) {} }
        return unsafe body(UnsafeRawBufferPointer(start: pointer + range.lowerBound, count: range.count))
    }
}
