public import JSON

/// What an index keeps beside a vector: its text, and an identifier of the user's own if there is one.
public struct IndexEntry: Equatable, Sendable {
    public let text: String
    public let id: JSON?

    public init(text: String, id: JSON? = nil) {
        self.text = text
        self.id = id
    }

    /// The identifier as JSON, a zero byte, which JSON text never has, and the text.
    var bytes: [UInt8] { (id?.serialized() ?? []) + [0] + Array(text.utf8) }

    /// - Returns: `nil` for bytes that are no entry.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard let zero = bytes.firstIndex(of: 0),
            let text = String(validating: bytes[(zero + 1)...], as: UTF8.self)
        else { return nil }
        self.text = text
        if zero == bytes.startIndex {
            id = nil
        } else {
            guard let id = try? JSON(parsing: Array(bytes[..<zero])) else { return nil }
            self.id = id
        }
    }
}
