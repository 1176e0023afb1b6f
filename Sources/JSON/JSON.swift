/// A JSON value. Objects keep the order of their members, so that a file that is read, changed and written again keeps
/// everything this program does not know.
public enum JSON: Equatable, Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    /// Parses one JSON text.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        var reader = JSONReader(bytes)
        self = try reader.readValue()
        try reader.expectEnd()
    }

    public subscript(_ key: String) -> JSON? {
        if case .object(let object) = self { object[key] } else { nil }
    }

    public var string: String? { if case .string(let value) = self { value } else { nil } }
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    public var array: [JSON]? { if case .array(let value) = self { value } else { nil } }
    public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
    /// The value as a floating-point number, whether or not it was written with a fraction.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// What the value is, for messages.
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer, .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// The members of a JSON object in the order of the text. Keys are compared code unit by code unit.
public struct JSONObject: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    public struct Member: Equatable, Sendable {
        public let key: String
        public var value: JSON

        public static func == (a: Self, b: Self) -> Bool { a.key.utf8.elementsEqual(b.key.utf8) && a.value == b.value }
    }

    public private(set) var members: [Member] = []

    public init() {}

    public init(dictionaryLiteral elements: (String, JSON)...) {
        for (key, value) in elements { append(key, value) }
    }

    /// The value of a key. Where a text repeats a key, the last one counts.
    public subscript(_ key: String) -> JSON? {
        get { members.last { $0.key.utf8.elementsEqual(key.utf8) }?.value }
        set {
            let index = members.lastIndex { $0.key.utf8.elementsEqual(key.utf8) }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): append(key, value)
            case (nil, nil): break
            }
        }
    }

    /// Adds a member without looking for one of the same key.
    public mutating func append(_ key: String, _ value: JSON) { members.append(Member(key: key, value: value)) }

    /// A key that stands more than once in the text.
    public var duplicateKey: String? {
        var seen = Set<[UInt8]>()
        return members.first { !seen.insert(Array($0.key.utf8)).inserted }?.key
    }
}

extension JSONReader {
    /// The next value as a tree.
    public mutating func readValue() throws(JSONError) -> JSON {
        switch try peek() {
        case .null:
            try readNull()
            return .null
        case .bool: return .bool(try readBool())
        case .number: return try readIntegerOrNumber()
        case .string: return .string(try readString())
        case .array:
            var elements: [JSON] = []
            try beginArray()
            while try nextElement() { elements.append(try readValue()) }
            return .array(elements)
        case .object:
            var object = JSONObject()
            try beginObject()
            while let key = try nextKey() { object.append(key, try readValue()) }
            return .object(object)
        }
    }
}
