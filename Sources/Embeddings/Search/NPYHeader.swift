import Checkpoints

/// The header of a NumPy file with an `[N, size]` array.
///
/// Source: NumPy's format description, "Format Version 1.0" to "3.0".
public struct NPYHeader: Equatable, Sendable {
    /// The header that Graft writes is this long whatever N is, so that it can be written first and corrected at the end.
    public static let byteCount = 128

    /// The type of a value, in NumPy's spelling.
    public enum Element: String, Sendable, CaseIterable {
        case float16 = "<f2"
        case float32 = "<f4"
        case float64 = "<f8"
        case int8 = "|i1"
        case uint8 = "|u1"

        /// Bytes of a value.
        public var size: Int {
            switch self {
            case .int8, .uint8: 1
            case .float16: 2
            case .float32: 4
            case .float64: 8
            }
        }
    }

    public let element: Element
    public let rows: Int
    public let columns: Int
    /// Where the values begin.
    public let dataStart: Int

    /// The bytes of a header.
    public static func bytes(rows: Int, columns: Int, element: Element = .float32) -> [UInt8] {
        let text = "{'descr': '\(element.rawValue)', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
        let length = byteCount - magic.count - 4
        precondition(text.utf8.count < length, "a NumPy header of \(text.utf8.count) bytes")
        let padding = [UInt8](repeating: UInt8(ascii: " "), count: length - text.utf8.count - 1)
        return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8) + padding
            + [UInt8(ascii: "\n")]
    }

    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// Reads the header at the beginning of a file.
    ///
    /// - Parameter bytes: at least as much of the file as the header takes.
    public init(parsing bytes: [UInt8]) throws(NPYFault) {
        guard bytes.starts(with: Self.magic), bytes.count >= 12 else { throw .notNumPy }
        let lengthBytes = bytes[6] == 1 ? 2 : 4
        guard (1...3).contains(bytes[6]) else { throw .version(Int(bytes[6])) }
        let length = (0..<lengthBytes).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
        dataStart = 8 + lengthBytes + length
        guard dataStart <= bytes.count else { throw .truncated(expected: dataStart, found: bytes.count) }
        guard let text = String(validating: bytes[(8 + lengthBytes)..<dataStart], as: UTF8.self) else {
            throw .notNumPy
        }
        guard let type = Self.value("descr", in: text)?.split(separator: "'").first else { throw .notNumPy }
        guard let element = Element(rawValue: String(type)) else { throw .elementType(String(type)) }
        self.element = element
        guard Self.value("fortran_order", in: text)?.hasPrefix("False") == true else { throw .columnMajor }
        guard let tuple = Self.value("shape", in: text), tuple.hasPrefix("("), let end = tuple.firstIndex(of: ")")
        else {
            throw .notNumPy
        }
        let shape = tuple[..<end].dropFirst().split(separator: ",").map { Int(String($0.filter { $0 != " " })) }
        guard shape.count == 2, let rows = shape[0], let columns = shape[1], rows >= 0, columns > 0 else {
            throw .shape(String(tuple[...end]))
        }
        guard columns < 1 << 24, rows <= (1 << 56) / (columns * element.size) else {
            throw .shape(String(tuple[...end]))
        }
        (self.rows, self.columns) = (rows, columns)
    }

    /// Reads the header of a file, which has to be as long as the header says.
    init(of file: MappedFile) throws(NPYFault) {
        try self.init(parsing: file.bytes(0..<min(file.count, 1 << 16)))
        let expected = dataStart + dataSize
        if file.count < expected { throw .truncated(expected: expected, found: file.count) }
        if file.count > expected { throw .tail(expected: expected, found: file.count) }
    }

    /// Bytes of the values.
    var dataSize: Int { rows * columns * element.size }

    /// What follows a key of the header's dictionary.
    private static func value(_ key: String, in text: String) -> Substring? {
        guard let range = text.firstRange(of: "'\(key)':") else { return nil }
        return text[range.upperBound...].drop { $0 == " " }
    }
}

/// What is wrong with a NumPy file.
public enum NPYFault: Error, Equatable, Sendable, CustomStringConvertible {
    case notNumPy
    case version(Int)
    case elementType(String)
    case columnMajor
    case shape(String)
    case truncated(expected: Int, found: Int)
    case tail(expected: Int, found: Int)
    /// A value that is infinite or not a number; rows count from 0.
    case notFinite(row: Int)
    /// A value of 1e15 or more, whose square would be near the end of binary32.
    case tooLarge(row: Int)

    public var description: String {
        switch self {
        case .notNumPy: "no NumPy array (.npy)"
        case .version(let version): "version \(version) of NumPy's format; 1 to 3 are read"
        case .elementType(let type):
            "its values are \(type); expected \(NPYHeader.Element.allCases.map(\.rawValue).joined(separator: ", "))"
        case .columnMajor: "its values are in column-major order; save numpy.ascontiguousarray of it"
        case .shape(let shape): "its shape is \(shape); expected (number of vectors, size)"
        case .truncated(let expected, let found):
            "\(found) bytes; its header calls for \(expected): the end is missing"
        case .tail(let expected, let found): "\(found) bytes; its header calls for \(expected)"
        case .notFinite(let row): "vector \(row) (from 0) holds a value that is infinite or not a number"
        case .tooLarge(let row): "vector \(row) (from 0) holds a value of 1e15 or more"
        }
    }
}
