import JSON
public import SystemPackage
import Tensors

/// A safetensors file: named tensors behind a JSON header, read through a memory map.
///
/// Every field of the header is checked before any data is touched.
///
/// Source: the safetensors format description, "Format".
public struct SafeTensors: TensorArchive {
    /// The format's own limit on the header.
    static let headerLimit = 100_000_000

    public let path: FilePath
    public let metadata: [String: String]
    /// All tensors in the order of their data.
    public let entries: [TensorEntry]
    private let indices: [String: Int]

    public init(_ path: FilePath) throws(CheckpointError) {
        try self.init(MappedFile(path))
    }

    init(_ file: MappedFile) throws(CheckpointError) {
        path = file.path
        let header: (metadata: [String: String], entries: [TensorEntry])
        do throws(SafeTensorsFault) { header = try Self.readHeader(of: file) } catch {
            throw .invalidHeader(path, error)
        }
        metadata = header.metadata
        entries = header.entries
        do throws(RepeatedName) { indices = try entries.indicesByName() } catch {
            throw .invalidHeader(path, .duplicateName(error.name))
        }
    }

    public var format: String { "safetensors" }
    public var files: [FilePath] { [path] }
    public subscript(_ name: String) -> TensorEntry? { indices[name].map { entries[$0] } }

    private static func readHeader(
        of file: MappedFile
    ) throws(SafeTensorsFault) -> (metadata: [String: String], entries: [TensorEntry]) {
        guard file.count >= 8 else { throw .tooShort(bytes: file.count) }
        let length = file.integer(at: 0, as: UInt64.self)
        guard length <= UInt64(headerLimit) else { throw .headerTooLong(bytes: length, limit: headerLimit) }
        let dataStart = 8 + Int(length)
        guard dataStart <= file.count else { throw .headerBeyondFile(headerBytes: length, fileBytes: file.count) }
        let header: JSON
        do throws(JSONError) { header = try JSON(parsing: file.bytes(8..<dataStart)) } catch { throw .notJSON(error) }
        guard let object = header.object else { throw .notAnObject }
        if let name = object.duplicateKey { throw .duplicateName(name) }

        var metadata: [String: String] = [:]
        var extents: [(entry: TensorEntry, range: Range<Int>)] = []
        for member in object.members {
            if member.key == "__metadata__" {
                for item in member.value.object?.members ?? [] {
                    guard let text = item.value.string else {
                        throw .badEntry(name: "__metadata__", field: item.key, expected: "a string")
                    }
                    metadata[item.key] = text
                }
            } else {
                extents.append(try entry(member.key, member.value, dataStart: dataStart, file))
            }
        }
        extents.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
        var end = dataStart
        for (entry, range) in extents {
            guard range.lowerBound == end else {
                throw .gapOrOverlap(name: entry.name, begin: range.lowerBound - dataStart, expected: end - dataStart)
            }
            end = range.upperBound
        }
        guard end == file.count else { throw .dataLength(found: file.count - dataStart, expected: end - dataStart) }
        return (metadata, extents.map(\.entry))
    }

    private static func entry(
        _ name: String, _ value: JSON, dataStart: Int, _ file: MappedFile
    ) throws(SafeTensorsFault) -> (entry: TensorEntry, range: Range<Int>) {
        guard let typeName = value["dtype"]?.string else {
            throw .badEntry(name: name, field: "dtype", expected: "a string")
        }
        guard let dataType = DataType(rawValue: typeName) else { throw .unsupportedDataType(name: name, typeName) }
        guard let sizes = value["shape"]?.array else {
            throw .badEntry(name: name, field: "shape", expected: "an array")
        }
        let dimensions = sizes.compactMap(\.integer)
        guard dimensions.count == sizes.count, dimensions.allSatisfy({ $0 >= 0 }) else {
            throw .badEntry(name: name, field: "shape", expected: "an array of sizes")
        }
        guard let shape = Shape(claimed: dimensions) else {
            throw .badEntry(name: name, field: "shape", expected: "small enough to address")
        }
        let bytes = shape.count * dataType.byteCount
        guard let offsets = value["data_offsets"]?.array, offsets.count == 2, let begin = offsets[0].integer,
            let end = offsets[1].integer, begin >= 0, begin <= end
        else { throw .badEntry(name: name, field: "data_offsets", expected: "two ascending offsets") }
        guard end - begin == bytes else { throw .sizeMismatch(name: name, bytes: end - begin, expected: bytes) }
        guard end <= file.count - dataStart else { throw .dataLength(found: file.count - dataStart, expected: end) }
        let entry = TensorEntry(
            name: name, dataType: dataType, shape: shape, place: TensorPlace(file: file, offset: dataStart + begin))
        return (entry, dataStart + begin..<dataStart + end)
    }
}
