public import JSON
public import SystemPackage

/// A JSON file of a model directory, with the checks its reader needs.
public struct JSONFile: Sendable {
    public let path: FilePath
    public var object: JSONObject

    /// - Parameter purpose: what the file holds, for the message when it is missing.
    public init(_ path: FilePath, purpose: String) throws(CheckpointError) {
        self.path = path
        guard let object = try Self.value(path, purpose: purpose).object else {
            throw .invalidJSON(path, JSONError(.expected("an object"), at: 0))
        }
        self.object = object
    }

    /// The elements of a file that holds an array.
    public static func array(_ path: FilePath, purpose: String) throws(CheckpointError) -> [JSON] {
        guard let array = try value(path, purpose: purpose).array else {
            throw .invalidJSON(path, JSONError(.expected("an array"), at: 0))
        }
        return array
    }

    private static func value(_ path: FilePath, purpose: String) throws(CheckpointError) -> JSON {
        let file = try MappedFile(path, purpose: purpose)
        do throws(JSONError) { return try JSON(parsing: file.bytes(0..<file.count)) } catch {
            throw .invalidJSON(path, error)
        }
    }

    public init(_ path: FilePath, object: JSONObject) {
        self.path = path
        self.object = object
    }

    /// A member that must be there.
    public func string(_ key: String) throws(CheckpointError) -> String {
        guard let value = object[key]?.string else { throw invalid(key, expected: "a string") }
        return value
    }

    /// A member that must be there, from 1 to `limit`.
    public func size(_ key: String, atMost limit: Int = 1 << 32) throws(CheckpointError) -> Int {
        if let number = object[key]?.number, number > Double(limit) { throw invalid(key, expected: "at most \(limit)") }
        guard let value = object[key]?.integer, value > 0 else {
            throw invalid(key, expected: "a positive integer")
        }
        return value
    }

    /// A member that may be missing or null; the number then is `absent`.
    public func size(_ key: String, absent: Int) throws(CheckpointError) -> Int {
        object[key] == nil || object[key] == .null ? absent : try size(key)
    }

    /// A member that may be missing or null, in `range`.
    public func number(
        _ key: String, absent: Double, in range: ClosedRange<Double>
    ) throws(CheckpointError) -> Double {
        guard let value = object[key], value != .null else { return absent }
        guard let number = value.number, range.contains(number) else {
            throw invalid(key, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    public func invalid(_ key: String, expected: String) -> CheckpointError {
        let found = object[key].map { value in
            switch value {
            case .object, .array: value.kind
            default: String(decoding: value.serialized(), as: UTF8.self)
            }
        }
        return .invalidValue(path, key: key, found: found, expected: expected)
    }

    public func write(to path: FilePath) throws(CheckpointError) {
        try AtomicFile.write(JSON.object(object).serialized(pretty: true) + [UInt8(ascii: "\n")], to: path)
    }
}
