/// Rows of numbers whose memory is kept from one batch to the next. One thread at a time changes its size; threads that
/// fill it write rows of their own.
@safe final class RowBuffer<Element: BitwiseCopyable> {
    let columns: Int
    /// Rows one behind the other, the first on a 64-byte boundary.
    private(set) var pointer: UnsafeMutablePointer<Element>
    private var capacity = 0

    init(columns: Int) {
        self.columns = columns
        unsafe pointer = Self.allocate(0)
    }

    deinit { unsafe UnsafeMutableRawPointer(pointer).deallocate() }

    /// Makes room for `rows`. What was written before is lost where there was less.
    func reserve(_ rows: Int) {
        guard rows > capacity else { return }
        unsafe UnsafeMutableRawPointer(pointer).deallocate()
        capacity = rows
        unsafe pointer = Self.allocate(rows * columns)
    }

    subscript(row: Int) -> UnsafeMutablePointer<Element> { unsafe pointer + row * columns }

    /// Zeros, and a few more bytes than asked for, so that whole vectors may be read from the last row.
    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
        let bytes = count * MemoryLayout<Element>.stride + 256
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return unsafe memory.assumingMemoryBound(to: Element.self)
    }
}
