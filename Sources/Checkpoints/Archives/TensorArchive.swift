public import SystemPackage
public import Tensors

/// The named tensors of a checkpoint, whatever format its files have.
///
/// A reader checks every name, shape and offset when it opens the files; values are touched when they are asked for.
public protocol TensorArchive: Sendable {
    /// The file that messages name: the only one, or the index of several.
    var path: FilePath { get }
    /// The format's name, for people.
    var format: String { get }
    /// The files that hold it, `path` first.
    var files: [FilePath] { get }
    var entries: [TensorEntry] { get }
    subscript(_ name: String) -> TensorEntry? { get }
}

/// A tensor of a checkpoint: what it is called and where its values lie.
public struct TensorEntry: Sendable {
    public let name: String
    public let dataType: DataType
    public let shape: Shape
    let place: TensorPlace
}

/// Where a tensor's values lie in a file.
///
/// Who makes one has checked that all of them are inside the file.
struct TensorPlace: Sendable {
    let file: MappedFile
    /// Of the first value, in bytes.
    let offset: Int
    /// How many values apart neighbours of each dimension lie; `nil` where they lie row-major without gaps.
    var strides: [Int]?
    /// The masked CRC-32C of the values' bytes, where the format has one.
    var checksum: UInt32?
}

/// The data types of the formats, under the names that safetensors gives them.
public enum DataType: String, Sendable, CaseIterable {
    case float32 = "F32"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case float64 = "F64"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint8 = "U8"
    case bool = "BOOL"

    /// The size of one value.
    public var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .bool: 1
        }
    }

    /// Whether values are real numbers: weights are, indices and masks are not.
    public var isFloatingPoint: Bool {
        switch self {
        case .float32, .float16, .bfloat16, .float64: true
        default: false
        }
    }
}

/// A name that two tensors of one file have.
struct RepeatedName: Error {
    let name: String
}

extension [TensorEntry] {
    /// Where the entry of each name is. Names that differ in Unicode normalization alone count as the same.
    func indicesByName() throws(RepeatedName) -> [String: Int] {
        var indices: [String: Int] = [:]
        indices.reserveCapacity(count)
        for (index, entry) in enumerated() {
            if indices.updateValue(index, forKey: entry.name) != nil { throw RepeatedName(name: entry.name) }
        }
        return indices
    }
}

extension Shape {
    /// The shape of sizes that a file claims: `nil` where one is negative, or the whole cannot be addressed.
    init?(claimed dimensions: [Int]) {
        var product = 1
        for size in dimensions {
            // A size of zero must not hide one that overflows.
            let (next, overflow) = product.multipliedReportingOverflow(by: max(size, 1))
            guard size >= 0, !overflow, next <= Int.max / 8 else { return nil }
            product = next
        }
        self.init(dimensions)
    }
}
