import JSON
public import SystemPackage
public import Tensors

/// A safetensors file: named tensors behind a JSON header, read through a memory map.
///
/// Every field of the header is checked before any data is touched.
///
/// Source: the safetensors format description, "Format".
public struct SafeTensors: Sendable {
    /// The format's own limit on the header.
    static let headerLimit = 100_000_000

    public struct Entry: Equatable, Sendable {
        public let name: String
        public let dataType: DataType
        public let shape: Shape
        /// Where the data lies in the file.
        public let range: Range<Int>
    }

    public enum DataType: String, Sendable {
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

        public var byteCount: Int {
            switch self {
            case .float64, .int64: 8
            case .float32, .int32: 4
            case .float16, .bfloat16, .int16: 2
            case .int8, .uint8, .bool: 1
            }
        }
    }

    public let file: MappedFile
    public let metadata: [String: String]
    /// All tensors in the order of their data.
    public let entries: [Entry]
    private let indices: [String: Int]

    public init(_ path: FilePath) throws(CheckpointError) {
        file = try MappedFile(path)
        let header: (metadata: [String: String], entries: [Entry])
        do throws(SafeTensorsFault) { header = try Self.readHeader(of: file) } catch {
            throw .invalidHeader(path, error)
        }
        metadata = header.metadata
        entries = header.entries
        indices = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })
    }

    public subscript(_ name: String) -> Entry? { indices[name].map { entries[$0] } }

    /// A tensor's values, read in place where the file holds them as this machine does.
    public func stored(_ entry: Entry) throws(CheckpointError) -> StoredTensor {
        let inPlace: StoredTensor? = unsafe file.withUnsafeBytes { bytes in
            guard entry.dataType == .float32, entry.shape.count > 0, let base = bytes.baseAddress else { return nil }
            let start = unsafe base + entry.range.lowerBound
            guard Int(bitPattern: start) % MemoryLayout<Float>.alignment == 0 else { return nil }
            return unsafe StoredTensor(entry.shape, start.assumingMemoryBound(to: Float.self), owner: file)
        }
        return if let inPlace { inPlace } else { StoredTensor(try tensor(entry)) }
    }

    /// A copy of a tensor's values in `Float`.
    public func tensor(_ entry: Entry) throws(CheckpointError) -> Tensor {
        let count = entry.shape.count
        return try unsafe file.withUnsafeBytes { bytes throws(CheckpointError) in
            let data = unsafe UnsafeRawBufferPointer(rebasing: bytes[entry.range])
            func values<Stored: BitwiseCopyable>(_ type: Stored.Type, _ convert: (Stored) -> Float) -> Tensor {
                let size = MemoryLayout<Stored>.size
                return Tensor(
                    entry.shape,
                    unsafe [Float](unsafeUninitializedCapacity: count) { output, initialized in
                        for i in 0..<count {
                            let value = unsafe data.loadUnaligned(fromByteOffset: i * size, as: type)
                            unsafe output.initializeElement(at: i, to: convert(value))
                        }
                        initialized = count
                    })
            }
            switch entry.dataType {
            case .float32:
                return Tensor(
                    entry.shape,
                    unsafe [Float](unsafeUninitializedCapacity: count) { output, initialized in
                        unsafe UnsafeMutableRawBufferPointer(output).copyMemory(from: data)
                        initialized = count
                    })
            case .float16: return values(UInt16.self, float(fromHalf:))
            case .bfloat16: return values(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
            case .float64: return values(Double.self) { Float($0) }
            default:
                throw .invalidHeader(
                    file.path, .unsupportedDataType(name: entry.name, entry.dataType.rawValue))
            }
        }
    }

    private static func readHeader(
        of file: MappedFile
    ) throws(SafeTensorsFault) -> (metadata: [String: String], entries: [Entry]) {
        guard file.count >= 8 else { throw .tooShort(bytes: file.count) }
        let length = unsafe file.withUnsafeBytes { unsafe UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard length <= UInt64(headerLimit) else { throw .headerTooLong(bytes: length, limit: headerLimit) }
        let dataStart = 8 + Int(length)
        guard dataStart <= file.count else { throw .headerBeyondFile(headerBytes: length, fileBytes: file.count) }
        let header: JSON
        do throws(JSONError) { header = try JSON(parsing: file.bytes(8..<dataStart)) } catch { throw .notJSON(error) }
        guard let object = header.object else { throw .notAnObject }
        if let name = object.duplicateKey { throw .duplicateName(name) }

        var metadata: [String: String] = [:]
        var entries: [Entry] = []
        for member in object.members {
            if member.key == "__metadata__" {
                for item in member.value.object?.members ?? [] {
                    guard let text = item.value.string else {
                        throw .badEntry(name: "__metadata__", field: item.key, expected: "a string")
                    }
                    metadata[item.key] = text
                }
            } else {
                entries.append(try entry(member.key, member.value, dataStart: dataStart, fileBytes: file.count))
            }
        }
        entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var end = dataStart
        for entry in entries {
            guard entry.range.lowerBound == end else {
                throw .gapOrOverlap(
                    name: entry.name, begin: entry.range.lowerBound - dataStart, expected: end - dataStart)
            }
            end = entry.range.upperBound
        }
        guard end == file.count else { throw .dataLength(found: file.count - dataStart, expected: end - dataStart) }
        return (metadata, entries)
    }

    private static func entry(
        _ name: String, _ value: JSON, dataStart: Int, fileBytes: Int
    ) throws(SafeTensorsFault) -> Entry {
        guard let typeName = value["dtype"]?.string else {
            throw .badEntry(name: name, field: "dtype", expected: "a string")
        }
        guard let dataType = DataType(rawValue: typeName) else { throw .unsupportedDataType(name: name, typeName) }
        var dimensions: [Int] = []
        var count = 1
        guard let shape = value["shape"]?.array else {
            throw .badEntry(name: name, field: "shape", expected: "an array")
        }
        for dimension in shape {
            guard let size = dimension.integer, size >= 0 else {
                throw .badEntry(name: name, field: "shape", expected: "an array of sizes")
            }
            dimensions.append(size)
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, product <= Int.max / 8 else {
                throw .badEntry(name: name, field: "shape", expected: "small enough to address")
            }
            count = product
        }
        guard let offsets = value["data_offsets"]?.array, offsets.count == 2, let begin = offsets[0].integer,
            let end = offsets[1].integer, begin >= 0, begin <= end
        else { throw .badEntry(name: name, field: "data_offsets", expected: "two ascending offsets") }
        guard end - begin == count * dataType.byteCount else {
            throw .sizeMismatch(name: name, bytes: end - begin, expected: count * dataType.byteCount)
        }
        guard end <= fileBytes - dataStart else { throw .dataLength(found: fileBytes - dataStart, expected: end) }
        return Entry(
            name: name, dataType: dataType, shape: Shape(dimensions), range: dataStart + begin..<dataStart + end)
    }
}

/// IEEE 754 binary16 to binary32.
private func float(fromHalf bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits & 0x3FF)
    switch exponent {
    case 0: return Float(bitPattern: sign | 0x3F80_0000) * Float(fraction) * 0x1p-24
    case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}
