import SystemPackage

/// One example as it stands in a file, undivided.
struct RawRecord: Equatable, Sendable {
    let bytes: [UInt8]
    /// The line of the file it begins in, from 1.
    let line: Int
    /// The file that is this one text.
    var textFile: ClassFolders.TextFile?
}

/// A file divided into records, one after the other: lines, rows whose quoted fields hold line breaks, or the elements
/// of a JSON array. Memory is bounded by the longest record.
final class CorpusRecords {
    /// Longer records are refused: something is wrong with the line ends, the quotes or the brackets.
    static let recordLimit = LineReader.lineLimit

    /// How a file is divided.
    enum Division: Equatable, Sendable {
        case lines
        /// Rows of fields that may be quoted.
        case rows(delimiter: UInt8)
        case jsonArray
    }

    private let file: FilePath
    private let stream: ByteStream
    private let division: Division
    private var buffer: [UInt8]
    private var position = 0
    private var line = 1
    private var atEnd = false
    private enum ArrayPlace { case before, inside, behind }
    private var arrayPlace = ArrayPlace.before

    init(_ file: FilePath, _ division: Division) throws(CorpusError) {
        self.file = file
        self.division = division
        stream = try ByteStream(file)
        buffer = try stream.next()
        if buffer.starts(with: [0xFF, 0xFE]) || buffer.starts(with: [0xFE, 0xFF]) { throw .utf16(file) }
        // A mark of the byte order, which is none of the text.
        if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The next records, at most `limit` and about `byteLimit` bytes; none at the end.
    func window(limit: Int, byteLimit: Int) throws(CorpusError) -> [RawRecord] {
        var records: [RawRecord] = []
        var bytes = 0
        while records.count < limit, bytes < byteLimit, let record = try next() {
            records.append(record)
            bytes += record.bytes.count
        }
        return records
    }

    /// The next record; lines without anything in them are none.
    func next() throws(CorpusError) -> RawRecord? {
        if division == .jsonArray { return try nextElement() }
        while true {
            let record = if case .rows(let delimiter) = division { try nextRow(delimiter) } else { try nextLine() }
            guard let record else { return nil }
            if !record.bytes.isEmpty { return record }
        }
    }

    // MARK: Lines

    private func nextLine() throws(CorpusError) -> RawRecord? {
        guard var bytes = try takeLine() else { return nil }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return RawRecord(bytes: bytes, line: line - 1)
    }

    /// The bytes up to the next line feed.
    private func takeLine() throws(CorpusError) -> [UInt8]? {
        var scanned = position
        while true {
            if let end = buffer[scanned...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { position = end + 1 }
                line += 1
                return Array(buffer[position..<end])
            }
            if atEnd {
                guard position < buffer.count else { return nil }
                defer { position = buffer.count }
                line += 1
                return Array(buffer[position...])
            }
            scanned = buffer.count - position
            try fill()
            if buffer.count > Self.recordLimit { throw .recordTooLong(file, line: line, limit: Self.recordLimit) }
        }
    }

    private func fill() throws(CorpusError) {
        let next = try stream.next()
        atEnd = next.isEmpty
        buffer.removeSubrange(..<position)
        position = 0
        buffer += next
    }

    // MARK: Rows

    private func nextRow(_ delimiter: UInt8) throws(CorpusError) -> RawRecord? {
        let first = line
        guard var bytes = try takeLine() else { return nil }
        var scanner = QuotedFieldScanner(delimiter: delimiter)
        for byte in bytes { _ = scanner.step(byte) }
        while scanner.isInsideQuotes {
            guard bytes.count < Self.recordLimit, let more = try takeLine() else {
                throw .unterminatedQuote(file, line: first)
            }
            let rest = [UInt8(ascii: "\n")] + more
            for byte in rest { _ = scanner.step(byte) }
            bytes += rest
        }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return RawRecord(bytes: bytes, line: first)
    }

    // MARK: Elements

    private func nextElement() throws(CorpusError) -> RawRecord? {
        switch arrayPlace {
        case .before:
            guard try skipBlanks() == UInt8(ascii: "[") else { throw .notAnArray(file, line: line) }
            position += 1
            arrayPlace = .inside
        case .inside: if try skipBlanks() == UInt8(ascii: ",") { position += 1 }
        case .behind: return nil
        }
        guard try skipBlanks() == UInt8(ascii: "]") else { return try takeElement() }
        position += 1
        arrayPlace = .behind
        if try skipBlanks() != nil { throw .notAnArray(file, line: line) }
        return nil
    }

    private func takeElement() throws(CorpusError) -> RawRecord {
        let first = line
        var bytes: [UInt8] = []
        var (depth, inString, isEscaped) = (0, false, false)
        while let byte = try peek() {
            if !inString, depth <= 0, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") { break }
            position += 1
            bytes.append(byte)
            if byte == UInt8(ascii: "\n") { line += 1 }
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\"): isEscaped = inString
            case UInt8(ascii: "\""): inString.toggle()
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += inString ? 0 : 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= inString ? 0 : 1
            default: break
            }
            if bytes.count > Self.recordLimit { throw .recordTooLong(file, line: first, limit: Self.recordLimit) }
        }
        if atEnd, position >= buffer.count { throw .notAnArray(file, line: line) }
        return RawRecord(bytes: bytes, line: first)
    }

    private func peek() throws(CorpusError) -> UInt8? {
        while position >= buffer.count, !atEnd { try fill() }
        return position < buffer.count ? buffer[position] : nil
    }

    /// The next byte that is no blank, which stays to be read.
    private func skipBlanks() throws(CorpusError) -> UInt8? {
        while let byte = try peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            if byte == 0x0A { line += 1 }
            position += 1
        }
        return try peek()
    }
}
