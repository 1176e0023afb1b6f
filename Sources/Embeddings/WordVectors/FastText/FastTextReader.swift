import Checkpoints
import SystemPackage
import Tensors

/// Reads the parts of a fastText file from front to back.
struct FastTextReader {
    let file: MappedFile
    private(set) var offset = 0

    init(_ file: MappedFile) { self.file = file }

    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws(WordVectorsError) -> Value {
        let place = try skip(MemoryLayout<Value>.size)
        return file.integer(at: place.lowerBound)
    }

    /// An integer within bounds.
    mutating func count<Value: FixedWidthInteger>(
        _ type: Value.Type, _ what: String, in range: ClosedRange<Int>
    ) throws(WordVectorsError) -> Int {
        let value = try integer(type)
        guard let count = Int(exactly: value), range.contains(count) else {
            throw .header(file.path, "\(what) is \(value)")
        }
        return count
    }

    mutating func flag(_ what: String) throws(WordVectorsError) -> Bool {
        try count(UInt8.self, what, in: 0...1) == 1
    }

    /// A word up to its zero byte.
    mutating func word() throws(WordVectorsError) -> Range<Int> {
        let start = offset
        let end = unsafe file.withUnsafeBytes { bytes in
            unsafe bytes[start...].prefix(1 << 16).firstIndex(of: 0)
        }
        guard let end else { throw .header(file.path, "a word at byte \(start) does not end") }
        offset = end + 1
        return start..<end
    }

    mutating func bytes(_ count: Int) throws(WordVectorsError) -> BorrowedBytes { try BorrowedBytes(file, skip(count)) }

    /// A matrix, stored as numbers or as codes.
    mutating func matrix(isQuantized: Bool) throws(WordVectorsError) -> FastTextMatrix {
        isQuantized ? .quantized(try quantizedRows()) : .dense(try denseRows())
    }

    private mutating func denseRows() throws(WordVectorsError) -> StoredRows {
        let rows = try count(Int64.self, "a number of rows", in: 0...Int(Int32.max))
        let columns = try count(Int64.self, "a number of columns", in: 1...(1 << 20))
        let bytes = try bytes(4 * rows * columns)
        return StoredRows(rows: rows, columns: columns, bytes)
    }

    private mutating func quantizedRows() throws(WordVectorsError) -> QuantizedRows {
        let hasNorms = try flag("the mark of norms")
        let rows = try count(Int64.self, "a number of rows", in: 0...Int(Int32.max))
        let columns = try count(Int64.self, "a number of columns", in: 1...(1 << 20))
        let size = try count(Int32.self, "a number of codes", in: 0...Int(Int32.max))
        let codes = try bytes(size)
        let quantizer = try quantizer(columns: columns)
        guard size == rows * quantizer.parts else {
            throw .header(file.path, "\(size) codes for \(rows) rows of \(quantizer.parts) parts")
        }
        guard hasNorms else {
            return QuantizedRows(count: rows, columns: columns, quantizer: quantizer, codes: codes, norms: nil)
        }
        let normCodes = try bytes(rows)
        let norms = (normCodes, try self.quantizer(columns: 1))
        return QuantizedRows(count: rows, columns: columns, quantizer: quantizer, codes: codes, norms: norms)
    }

    private mutating func quantizer(columns: Int) throws(WordVectorsError) -> QuantizedRows.Quantizer {
        _ = try count(Int32.self, "a quantizer's dimension", in: columns...columns)
        let parts = try count(Int32.self, "a quantizer's number of parts", in: 1...columns)
        let width = try count(Int32.self, "the width of a quantizer's part", in: 1...columns)
        let lastWidth = try count(Int32.self, "the width of a quantizer's last part", in: 1...width)
        guard (parts - 1) * width + lastWidth == columns else {
            throw .header(file.path, "\(parts) parts of \(width) and \(lastWidth) numbers for \(columns)")
        }
        let centroids = try bytes(4 * columns * QuantizedRows.Quantizer.centroidCount)
        return QuantizedRows.Quantizer(width: width, lastWidth: lastWidth, parts: parts, centroids: centroids)
    }

    private mutating func skip(_ count: Int) throws(WordVectorsError) -> Range<Int> {
        guard count <= file.count - offset else {
            throw .header(file.path, "it ends at byte \(file.count), before what its header promises")
        }
        defer { offset += count }
        return offset..<offset + count
    }
}
