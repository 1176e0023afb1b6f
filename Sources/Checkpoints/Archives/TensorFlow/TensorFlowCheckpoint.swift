public import SystemPackage
import Tensors

/// A checkpoint of TensorFlow 1 with named variables, such as Google's releases of BERT: `NAME.index` says where the
/// variables lie in `NAME.data-00000-of-00001`. The tensors have PyTorch's names and directions.
///
/// Source: tensorflow/core/util/tensor_bundle/tensor_bundle.h.
public struct TensorFlowCheckpoint: TensorArchive {
    public let path: FilePath
    public let files: [FilePath]
    public let entries: [TensorEntry]
    private let indices: [String: Int]

    public var format: String { "TensorFlow 1" }
    public subscript(_ name: String) -> TensorEntry? { indices[name].map { entries[$0] } }

    /// - Parameters:
    ///   - path: the index.
    ///   - open: opens a file in the index's directory.
    init(
        _ path: FilePath, open: (FilePath) throws(CheckpointError) -> MappedFile
    ) throws(CheckpointError) {
        let table = try Self.checked(path, { try SortedTable(open(path)) })
        let header = try Self.checked(path, { try Self.header(table) })
        var shards: [MappedFile] = []
        for shard in 0..<header.shardCount {
            let file = Self.shard(shard, of: header.shardCount, path)
            do throws(CheckpointError) { shards.append(try open(file)) } catch {
                if case .unreadable(_, .noSuchFileOrDirectory) = error {
                    throw .missingFile(file, purpose: "variables of the checkpoint")
                }
                throw error
            }
        }
        let entries = try Self.checked(path, { try Self.entries(table, shards) })
        do throws(RepeatedName) { indices = try entries.indicesByName() } catch {
            throw .invalidTensorFlow(path, .duplicateName(error.name))
        }
        self.path = path
        self.entries = entries
        files = [path] + shards.map(\.path)
    }

    public init(_ path: FilePath) throws(CheckpointError) {
        try self.init(path) { file throws(CheckpointError) in try MappedFile(file) }
    }

    private static func checked<Result>(
        _ path: FilePath, _ body: () throws -> Result
    ) throws(CheckpointError) -> Result {
        do { return try body() } catch let fault as TensorFlowFault { throw .invalidTensorFlow(path, fault) } catch {
            throw error as? CheckpointError ?? .unreadable(path, .ioError)
        }
    }

    private static func header(_ table: SortedTable) throws(TensorFlowFault) -> BundleHeader {
        guard let pair = table.pairs.first, pair.key.isEmpty,
            let header = BundleHeader(ByteReader(table.file, pair.value)), (1...4096).contains(header.shardCount)
        else { throw .malformed("no header", offset: 0) }
        if header.isBigEndian { throw .bigEndian }
        return header
    }

    private static func shard(_ index: Int, of count: Int, _ path: FilePath) -> FilePath {
        func digits(_ number: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, 5 - text.count)) + text
        }
        let stem = (path.lastComponent?.string ?? "").dropLast(".index".count)
        return path.removingLastComponent().appending("\(stem).data-\(digits(index))-of-\(digits(count))")
    }

    private static func entries(_ table: SortedTable, _ shards: [MappedFile]) throws(TensorFlowFault) -> [TensorEntry] {
        var entries: [TensorEntry] = []
        var extents: [(shard: Int, range: Range<Int>, name: String)] = []
        for (key, value) in table.pairs.dropFirst() {
            guard let name = String(validating: key, as: UTF8.self) else {
                throw .malformed("a name that is not UTF-8", offset: value.lowerBound)
            }
            if name == "_CHECKPOINTABLE_OBJECT_GRAPH" { throw .objectGraph }
            guard let translated = TensorFlowNames.translate(name) else { continue }
            guard let bundle = BundleEntry(ByteReader(table.file, value)) else {
                throw .malformed("a damaged entry", offset: value.lowerBound)
            }
            entries.append(try entry(name, bundle, translated, shards))
            if bundle.size > 0 { extents.append((bundle.shard, bundle.offset..<bundle.offset + bundle.size, name)) }
        }
        extents.sort { ($0.shard, $0.range.lowerBound) < ($1.shard, $1.range.lowerBound) }
        for (a, b) in zip(extents, extents.dropFirst()) where a.shard == b.shard && a.range.overlaps(b.range) {
            throw .overlap(name: b.name, other: a.name)
        }
        return entries
    }

    private static func entry(
        _ name: String, _ bundle: BundleEntry, _ translated: (name: String, isTransposed: Bool), _ shards: [MappedFile]
    ) throws(TensorFlowFault) -> TensorEntry {
        if bundle.isSliced { throw .sliced(name: name) }
        guard let dataType = dataTypes[bundle.dataType] else {
            throw .unsupportedDataType(name: name, bundle.dataType)
        }
        guard let shape = Shape(claimed: bundle.sizes), bundle.size == shape.count * dataType.byteCount else {
            let expected = Shape(claimed: bundle.sizes).map { $0.count * dataType.byteCount } ?? .max
            throw .sizeMismatch(name: name, bytes: bundle.size, expected: expected)
        }
        guard shards.indices.contains(bundle.shard) else {
            throw .outsideFile(name: name, shard: "the \(shards.count) data files")
        }
        let file = shards[bundle.shard]
        guard bundle.offset >= 0, bundle.size <= file.count, bundle.offset <= file.count - bundle.size else {
            throw .outsideFile(name: name, shard: file.path.lastComponent?.string ?? "")
        }
        var place = TensorPlace(file: file, offset: bundle.offset, checksum: bundle.checksum)
        let isTransposed = translated.isTransposed && shape.dimensions.count == 2
        if isTransposed { place.strides = [1, shape.columns] }
        return TensorEntry(
            name: translated.name, dataType: dataType,
            shape: isTransposed ? Shape(shape.dimensions.reversed()) : shape, place: place)
    }

    /// Source: tensorflow/core/framework/types.proto.
    private static let dataTypes: [Int: DataType] = [
        1: .float32, 2: .float64, 3: .int32, 4: .uint8, 5: .int16, 6: .int8, 9: .int64, 10: .bool, 14: .bfloat16,
        19: .float16,
    ]
}
