import Checkpoints

/// spaCy's `key2row`: which row of the table a word's key has, in the order of the file.
///
/// Source: the MessagePack specification, formats "map" and "int".
struct SpaCyKeys {
    private(set) var entries: [(key: UInt64, row: Int)] = []

    /// - Parameter rows: how many rows the table has.
    init(_ file: MappedFile, rows: Int) throws(SpaCyKeysFault) {
        var reader = Reader(file: file)
        let count = try reader.mapCount()
        // An entry takes two bytes: a count that promises more asks for no memory.
        guard count <= file.count / 2 else { throw .truncated(entries: 0, expected: count) }
        entries.reserveCapacity(count)
        for entry in 0..<count {
            guard let key = try reader.integer(), let row = try reader.integer() else {
                throw .truncated(entries: entry, expected: count)
            }
            guard row < UInt64(rows) else { throw .row(row, rows: rows) }
            entries.append((key, Int(row)))
        }
        guard reader.offset == file.count else { throw .tail(bytes: file.count - reader.offset) }
    }

    private struct Reader {
        let file: MappedFile
        var offset = 0

        mutating func mapCount() throws(SpaCyKeysFault) -> Int {
            guard let type = bigEndian(UInt8.self) else { throw .noMap }
            let count: Int? =
                switch type {
                case 0x80...0x8F: Int(type & 0x0F)
                case 0xDE: bigEndian(UInt16.self).map(Int.init)
                case 0xDF: bigEndian(UInt32.self).map(Int.init)
                default: nil
                }
            guard let count else { throw .noMap }
            return count
        }

        /// The next whole number that is not negative; `nil` at the file's end.
        mutating func integer() throws(SpaCyKeysFault) -> UInt64? {
            let place = offset
            guard let type = bigEndian(UInt8.self) else { return nil }
            switch type {
            case 0...0x7F: return UInt64(type)
            case 0xCC: return bigEndian(UInt8.self).map(UInt64.init)
            case 0xCD: return bigEndian(UInt16.self).map(UInt64.init)
            case 0xCE: return bigEndian(UInt32.self).map(UInt64.init)
            case 0xCF: return bigEndian(UInt64.self)
            default: throw .type(type, offset: place)
            }
        }

        private mutating func bigEndian<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
            let size = MemoryLayout<Value>.size
            guard file.count - offset >= size else { return nil }
            defer { offset += size }
            return file.integer(at: offset, as: type).byteSwapped
        }
    }
}

/// What is wrong with a `key2row`.
public enum SpaCyKeysFault: Error, Equatable, Sendable, CustomStringConvertible {
    case noMap
    case truncated(entries: Int, expected: Int)
    /// Something other than a whole number that is not negative, by its first byte.
    case type(UInt8, offset: Int)
    case row(UInt64, rows: Int)
    case tail(bytes: Int)

    public var description: String {
        switch self {
        case .noMap: "no MessagePack map"
        case .truncated(let entries, let expected): "ends after \(entries) whole entries; its head promises \(expected)"
        case .type(let type, let offset):
            "byte \(offset) is 0x\(String(type, radix: 16)); expected a whole number that is not negative"
        case .row(let row, let rows): "a word has row \(row); the table has \(rows)"
        case .tail(let bytes): "\(bytes) bytes remain behind the map"
        }
    }
}
