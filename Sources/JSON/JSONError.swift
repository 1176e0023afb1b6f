/// What a JSON text got wrong, and where.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        case endOfInput
        case expected(String)
        case invalidEscape
        case invalidNumber
        case invalidUTF8
        case controlCharacterInString
        case nestedTooDeeply(limit: Int)
        case textAfterTheEnd
    }

    public let reason: Reason
    /// Offset in bytes from the start of the text.
    public let offset: Int

    public init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    public var description: String {
        let what =
            switch reason {
            case .endOfInput: "the text ends too early"
            case .expected(let expected): "expected \(expected)"
            case .invalidEscape: "invalid escape in a string"
            case .invalidNumber: "invalid number"
            case .invalidUTF8: "invalid UTF-8"
            case .controlCharacterInString: "unescaped control character in a string"
            case .nestedTooDeeply(let limit): "more than \(limit) levels of nesting"
            case .textAfterTheEnd: "text after the end of the value"
            }
        return "\(what) at byte \(offset)"
    }
}
