/// Reads a JSON text value by value, in the order of the text, without building a tree.
///
/// Large files such as a tokenizer's vocabulary are read through this; `JSON` builds a tree on top of it. Strings keep
/// their exact code points, and nothing here compares keys by canonical equivalence.
///
///     try reader.beginObject()
///     while let key = try reader.nextKey() {
///         if key == "vocab" { ... } else { try reader.skipValue() }
///     }
///
/// Source: RFC 8259. A lone surrogate in an escape is refused, as serde_json does.
public struct JSONReader {
    public enum Kind: Equatable, Sendable { case null, bool, number, string, array, object }

    /// Deeper nesting is refused, so that a hostile text cannot exhaust the stack of a recursive caller.
    public static let nestingLimit = 256

    let bytes: [UInt8]
    public private(set) var offset = 0
    /// One entry per open array or object: whether a member has been read already.
    private var open: [Bool] = []

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    }

    // MARK: Values

    /// The kind of the next value, which is not consumed.
    public mutating func peek() throws(JSONError) -> Kind {
        skipWhitespace()
        switch try current() {
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw JSONError(.expected("a value"), at: offset)
        }
    }

    public mutating func readNull() throws(JSONError) { try expect("null") }

    public mutating func readBool() throws(JSONError) -> Bool {
        skipWhitespace()
        if try current() == UInt8(ascii: "t") {
            try expect("true")
            return true
        }
        try expect("false")
        return false
    }

    /// A number without fraction and exponent that fits into `Int`.
    public mutating func readInteger() throws(JSONError) -> Int {
        let start = try numberStart()
        let text = try numberText()
        guard let value = Int(text) else { throw JSONError(.expected("an integer"), at: start) }
        return value
    }

    public mutating func readNumber() throws(JSONError) -> Double {
        let start = try numberStart()
        guard let value = Double(try numberText()), value.isFinite else { throw JSONError(.invalidNumber, at: start) }
        return value
    }

    /// The next number's text, for who reads numbers in their own way.
    public mutating func readNumberText() throws(JSONError) -> String {
        skipWhitespace()
        return try numberText()
    }

    /// A number: an integer when it is written as one and fits.
    mutating func readIntegerOrNumber() throws(JSONError) -> JSON {
        let start = try numberStart()
        let text = try numberText()
        if let integer = Int(text) { return .integer(integer) }
        guard let value = Double(text), value.isFinite else { throw JSONError(.invalidNumber, at: start) }
        return .number(value)
    }

    public mutating func readString() throws(JSONError) -> String {
        let start = offset
        let (utf8, isASCII) = try readStringBytes()
        if isASCII { return String(decoding: utf8, as: UTF8.self) }
        guard let string = String(validating: utf8, as: UTF8.self) else { throw JSONError(.invalidUTF8, at: start) }
        return string
    }

    /// The next string's UTF-8 without making a `String` of it. What has no escapes is a part of the text itself.
    public mutating func readStringUTF8() throws(JSONError) -> ArraySlice<UInt8> {
        let start = offset
        let (utf8, isASCII) = try readStringBytes()
        if !isASCII, !Self.isValidUTF8(utf8) { throw JSONError(.invalidUTF8, at: start) }
        return utf8
    }

    /// Steps over the next value, whatever it is.
    public mutating func skipValue() throws(JSONError) {
        switch try peek() {
        case .null: try readNull()
        case .bool: _ = try readBool()
        case .number: _ = try readNumber()
        case .string: _ = try readString()
        case .array:
            try beginArray()
            while try nextElement() { try skipValue() }
        case .object:
            try beginObject()
            while try nextKey() != nil { try skipValue() }
        }
    }

    // MARK: Arrays and objects

    public mutating func beginArray() throws(JSONError) { try begin(UInt8(ascii: "["), "an array") }

    /// Moves to the next element: `false` at the end of the array, which is then closed.
    public mutating func nextElement() throws(JSONError) -> Bool { try nextMember(closing: UInt8(ascii: "]")) }

    public mutating func beginObject() throws(JSONError) { try begin(UInt8(ascii: "{"), "an object") }

    /// Moves to the next member and returns its key: `nil` at the end of the object, which is then closed.
    public mutating func nextKey() throws(JSONError) -> String? {
        guard try nextMember(closing: UInt8(ascii: "}")) else { return nil }
        skipWhitespace()
        let key = try readString()
        skipWhitespace()
        guard try current() == UInt8(ascii: ":") else { throw JSONError(.expected("':'"), at: offset) }
        offset += 1
        return key
    }

    /// As `nextKey`, with the key's UTF-8 instead of a `String`.
    public mutating func nextKeyUTF8() throws(JSONError) -> ArraySlice<UInt8>? {
        guard try nextMember(closing: UInt8(ascii: "}")) else { return nil }
        skipWhitespace()
        let key = try readStringUTF8()
        skipWhitespace()
        guard try current() == UInt8(ascii: ":") else { throw JSONError(.expected("':'"), at: offset) }
        offset += 1
        return key
    }

    /// Checks that nothing but white space follows.
    public mutating func expectEnd() throws(JSONError) {
        skipWhitespace()
        if offset < bytes.count { throw JSONError(.textAfterTheEnd, at: offset) }
    }

    // MARK: Characters

    /// Source: Unicode Standard, table 3-7, "Well-Formed UTF-8 Byte Sequences".
    private static func isValidUTF8(_ bytes: ArraySlice<UInt8>) -> Bool {
        var i = bytes.startIndex
        while i < bytes.endIndex {
            let first = bytes[i]
            if first < 0x80 {
                i += 1
                continue
            }
            let length: Int
            var second: ClosedRange<UInt8> = 0x80...0xBF
            switch first {
            case 0xC2...0xDF: length = 2
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: length = 3
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            case 0xF1...0xF3: length = 4
            default: return false
            }
            guard bytes.endIndex - i >= length, second.contains(bytes[i + 1]) else { return false }
            for k in 2..<max(2, length) where bytes[i + k] & 0xC0 != 0x80 { return false }
            i += length
        }
        return true
    }

    private mutating func begin(_ bracket: UInt8, _ what: String) throws(JSONError) {
        skipWhitespace()
        guard try current() == bracket else { throw JSONError(.expected(what), at: offset) }
        if open.count == Self.nestingLimit { throw JSONError(.nestedTooDeeply(limit: Self.nestingLimit), at: offset) }
        open.append(false)
        offset += 1
    }

    private mutating func nextMember(closing bracket: UInt8) throws(JSONError) -> Bool {
        precondition(!open.isEmpty, "nextElement or nextKey outside an array or object")
        skipWhitespace()
        let byte = try current()
        if byte == bracket {
            open.removeLast()
            offset += 1
            return false
        }
        if open[open.count - 1] {
            guard byte == UInt8(ascii: ",") else {
                throw JSONError(.expected("',' or '\(Character(Unicode.Scalar(bracket)))'"), at: offset)
            }
            offset += 1
        }
        open[open.count - 1] = true
        return true
    }

    private func current() throws(JSONError) -> UInt8 {
        guard offset < bytes.count else { throw JSONError(.endOfInput, at: offset) }
        return bytes[offset]
    }

    private mutating func skipWhitespace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x0A, 0x0D, 0x09: offset += 1
            default: return
            }
        }
    }

    private mutating func expect(_ word: StaticString) throws(JSONError) {
        skipWhitespace()
        for byte in String(describing: word).utf8 {
            guard try current() == byte else { throw JSONError(.expected("\(word)"), at: offset) }
            offset += 1
        }
    }

    private mutating func numberStart() throws(JSONError) -> Int {
        skipWhitespace()
        return offset
    }

    /// Consumes a number by RFC 8259's grammar and returns its text.
    private mutating func numberText() throws(JSONError) -> String {
        let start = offset
        func digit(_ i: Int) -> Bool { i < bytes.count && (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[i]) }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "-") { offset += 1 }
        guard digit(offset) else { throw JSONError(.expected("a number"), at: offset) }
        if bytes[offset] == UInt8(ascii: "0"), digit(offset + 1) { throw JSONError(.invalidNumber, at: start) }
        while digit(offset) { offset += 1 }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            guard digit(offset) else { throw JSONError(.invalidNumber, at: start) }
            while digit(offset) { offset += 1 }
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") {
                offset += 1
            }
            guard digit(offset) else { throw JSONError(.invalidNumber, at: start) }
            while digit(offset) { offset += 1 }
        }
        return String(decoding: bytes[start..<offset], as: UTF8.self)
    }

    /// The string's bytes with its escapes resolved, and whether all of them are ASCII.
    private mutating func readStringBytes() throws(JSONError) -> (ArraySlice<UInt8>, isASCII: Bool) {
        skipWhitespace()
        guard try current() == UInt8(ascii: "\"") else { throw JSONError(.expected("a string"), at: offset) }
        offset += 1
        let start = offset
        var isASCII = true
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") {
                offset += 1
                return (bytes[start..<offset - 1], isASCII)
            }
            if byte == UInt8(ascii: "\\") { return try readEscapedStringBytes(from: start) }
            if byte < 0x20 { throw JSONError(.controlCharacterInString, at: offset) }
            if byte >= 0x80 { isASCII = false }
            offset += 1
        }
        throw JSONError(.endOfInput, at: offset)
    }

    private mutating func readEscapedStringBytes(from start: Int) throws(JSONError) -> (
        ArraySlice<UInt8>, isASCII: Bool
    ) {
        var result = Array(bytes[start..<offset])
        while true {
            let byte = try current()
            offset += 1
            if byte == UInt8(ascii: "\"") { return (result[...], false) }
            if byte < 0x20 { throw JSONError(.controlCharacterInString, at: offset - 1) }
            if byte != UInt8(ascii: "\\") {
                result.append(byte)
                continue
            }
            let escape = try current()
            offset += 1
            switch escape {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(escape)
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"): result.append(contentsOf: String(Character(try readUnicodeEscape())).utf8)
            default: throw JSONError(.invalidEscape, at: offset - 2)
            }
        }
    }

    /// The four digits after `\u`, and the second half of a surrogate pair.
    private mutating func readUnicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let start = offset - 2
        let unit = try readFourHexDigits()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xDC00, offset + 1 < bytes.count, bytes[offset] == UInt8(ascii: "\\"),
            bytes[offset + 1] == UInt8(ascii: "u")
        else { throw JSONError(.invalidEscape, at: start) }
        offset += 2
        let low = try readFourHexDigits()
        guard (0xDC00...0xDFFF).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
        else { throw JSONError(.invalidEscape, at: start) }
        return scalar
    }

    private mutating func readFourHexDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let digit = Character(Unicode.Scalar(try current()))
            guard digit.isASCII, let nibble = digit.hexDigitValue else { throw JSONError(.invalidEscape, at: offset) }
            value = value << 4 | UInt32(nibble)
            offset += 1
        }
        return value
    }
}
