import SystemPackage

/// Rows of text tables.
enum DelimitedRows {
    struct Row: Equatable {
        let fields: [String]
        /// The line of the file it begins in, from 1.
        let line: Int
    }

    /// Tab-separated lines, without quoting and escaping. Blank lines are skipped.
    static func tabSeparated(_ file: FilePath, _ bytes: [UInt8]) throws(CorpusError) -> [Row] {
        var rows: [Row] = []
        for (index, var line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if line.last == 0x0D { line.removeLast() }
            if line.isEmpty { continue }
            let text = try string(line, file, line: index + 1)
            let fields = text.utf8.split(separator: 0x09, omittingEmptySubsequences: false).map { String($0)! }
            rows.append(Row(fields: fields, line: index + 1))
        }
        return rows
    }

    /// Comma-separated values with quoted fields, which may hold commas, line breaks and doubled quotes.
    ///
    /// Source: RFC 4180, §2. Blank lines are skipped.
    static func commaSeparated(_ file: FilePath, _ bytes: [UInt8]) throws(CorpusError) -> [Row] {
        let (quote, comma, lineFeed, carriageReturn) = (UInt8(0x22), UInt8(0x2C), UInt8(0x0A), UInt8(0x0D))
        var rows: [Row] = []
        var position = 0
        var line = 1
        while position < bytes.count {
            let firstLine = line
            var fields: [String] = []
            var rowEnds = false
            while !rowEnds {
                var field: [UInt8] = []
                let fieldLine = line
                if position < bytes.count, bytes[position] == quote {
                    position += 1
                    while true {
                        guard position < bytes.count else { throw .unterminatedQuote(file, line: fieldLine) }
                        let byte = bytes[position]
                        position += 1
                        if byte == quote {
                            guard position < bytes.count, bytes[position] == quote else { break }
                            position += 1
                        }
                        if byte == lineFeed { line += 1 }
                        field.append(byte)
                    }
                }
                while position < bytes.count, bytes[position] != comma, bytes[position] != lineFeed {
                    field.append(bytes[position])
                    position += 1
                }
                rowEnds = position >= bytes.count || bytes[position] == lineFeed
                if rowEnds, field.last == carriageReturn { field.removeLast() }
                if position < bytes.count {
                    if bytes[position] == lineFeed { line += 1 }
                    position += 1
                }
                fields.append(try string(field[...], file, line: fieldLine))
            }
            if fields != [""] { rows.append(Row(fields: fields, line: firstLine)) }
        }
        return rows
    }

    private static func string(_ bytes: ArraySlice<UInt8>, _ file: FilePath, line: Int) throws(CorpusError) -> String {
        switch validatedString(bytes) {
        case .success(let string): return string
        case .failure(let error): throw .invalidUTF8(file, line: line, byte: error.offset)
        }
    }
}

/// Where bytes stop being UTF-8.
struct InvalidUTF8: Error, Equatable {
    let offset: Int
}

/// The bytes as a string, or the first byte that is not UTF-8.
func validatedString(_ bytes: ArraySlice<UInt8>) -> Result<String, InvalidUTF8> {
    if let string = String(validating: bytes, as: UTF8.self) { return .success(string) }
    do {
        _ = try UTF8Span(validating: bytes.span)
        return .success(String(decoding: bytes, as: UTF8.self))
    } catch { return .failure(InvalidUTF8(offset: error.byteOffsets.lowerBound)) }
}
