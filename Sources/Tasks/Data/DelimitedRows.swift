/// Rows of text tables.
enum DelimitedRows {
    /// The fields of a row.
    ///
    /// - Parameter isQuoted: whether a field may stand in quotes; else quotes are characters like others.
    static func fields(_ row: [UInt8], delimiter: UInt8, isQuoted: Bool) -> [String] {
        guard isQuoted, row.contains(UInt8(ascii: "\"")) else {
            return row.split(separator: delimiter, omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        var fields: [String] = []
        var field: [UInt8] = []
        var scanner = QuotedFieldScanner(delimiter: delimiter)
        for byte in row {
            switch scanner.step(byte) {
            case .content: field.append(byte)
            case .quote: break
            case .end:
                fields.append(String(decoding: field, as: UTF8.self))
                field = []
            }
        }
        fields.append(String(decoding: field, as: UTF8.self))
        return fields
    }
}

/// Goes through a row of fields, of which some stand in quotes and may hold delimiters, line breaks and doubled quotes.
///
/// Source: RFC 4180, §2.
struct QuotedFieldScanner {
    enum Step {
        case content
        /// One that belongs to the form and not to the field.
        case quote
        /// A delimiter: the field ends.
        case end
    }

    private enum Place { case start, unquoted, quoted, quoteInQuotes }

    let delimiter: UInt8
    private var place = Place.start

    init(delimiter: UInt8) { self.delimiter = delimiter }

    var isInsideQuotes: Bool { place == .quoted }

    mutating func step(_ byte: UInt8) -> Step {
        let isQuote = byte == UInt8(ascii: "\"")
        switch place {
        case .quoted:
            if isQuote { place = .quoteInQuotes }
            return isQuote ? .quote : .content
        case .start where isQuote:
            place = .quoted
            return .quote
        case .quoteInQuotes where isQuote:
            place = .quoted
            return .content
        case .start, .unquoted, .quoteInQuotes:
            place = byte == delimiter ? .start : .unquoted
            return byte == delimiter ? .end : .content
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
