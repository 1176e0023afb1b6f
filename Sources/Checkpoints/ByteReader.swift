/// Reads a part of a mapped file from front to back. What would reach beyond the end is `nil`.
struct ByteReader {
    let file: MappedFile
    private(set) var offset: Int
    let end: Int

    /// - Precondition: the range is within the file.
    init(_ file: MappedFile, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= file.count, "\(range) of \(file.count) bytes")
        self.file = file
        offset = range.lowerBound
        end = range.upperBound
    }

    var remaining: Int { end - offset }

    /// The next integer, little-endian.
    mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        guard remaining >= MemoryLayout<Value>.size else { return nil }
        defer { offset += MemoryLayout<Value>.size }
        return file.integer(at: offset, as: type)
    }

    /// The place of the next bytes.
    mutating func range(_ count: Int) -> Range<Int>? {
        guard count >= 0, count <= remaining else { return nil }
        defer { offset += count }
        return offset..<offset + count
    }

    mutating func bytes(_ count: Int) -> [UInt8]? { range(count).map(file.bytes) }

    mutating func text(_ count: Int) -> String? {
        bytes(count).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// A line without its line feed.
    mutating func line() -> String? {
        guard let length = (offset..<end).first(where: { file.integer(at: $0, as: UInt8.self) == 0x0A }) else {
            return nil
        }
        defer { offset += 1 }
        return text(length - offset)
    }

    /// A number of up to 64 bits, seven in each byte, the lowest first.
    ///
    /// Source: Protocol Buffers, "Encoding", Base 128 Varints.
    mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = integer(UInt8.self) else { return nil }
            let bits = UInt64(byte & 0x7F)
            guard shift < 63 || bits <= 1 else { return nil }
            value |= bits << UInt64(shift)
            if byte < 0x80 { return value }
        }
        return nil
    }

    /// A length or an offset: a varint that fits into `Int`.
    mutating func size() -> Int? { varint().flatMap { Int(exactly: $0) } }
}
