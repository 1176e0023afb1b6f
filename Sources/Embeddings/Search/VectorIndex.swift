import Checkpoints
import JSON
public import SystemPackage
public import Tensors

/// Vectors with their texts in a directory, mapped and read in place.
///
/// `vectors.f32` holds the vectors one behind the other, those of cosine similarity scaled to length 1; `codes.int8` or
/// `codes.binary` a smaller copy; `entries` the texts and `offsets` where each ends. `index.json` says how much of them
/// counts: what stands behind it is the beginning of an addition that was interrupted.
public final class VectorIndex: Sendable {
    public let directory: FilePath
    public let description: IndexDescription
    /// `[count, size]`
    public let vectors: StoredTensor
    let codes: StoredBytes?
    let graph: HNSWGraph?
    private let graphFile: MappedFile?
    private let entries: MappedFile?
    private let offsets: MappedFile?

    static let vectorsName = "vectors.f32"
    static let entriesName = "entries"
    static let offsetsName = "offsets"

    /// Maps the vectors that count.
    static func vectors(_ directory: FilePath, _ description: IndexDescription) throws(SearchError) -> StoredTensor {
        let size = 4 * description.count * description.size
        return try file(vectorsName, in: directory, size: size).matrix([description.count, description.size])
    }

    private static func file(
        _ name: String, in directory: FilePath, size: Int
    ) throws(SearchError) -> MappedFile {
        let file: MappedFile
        do throws(CheckpointError) { file = try MappedFile(directory.appending(name)) } catch { throw .file(error) }
        guard file.count >= size else { throw .indexFile(file.path, found: file.count, expected: size) }
        return file
    }

    /// Opens an index: sizes are checked, contents are not read.
    public init(_ directory: FilePath) throws(SearchError) {
        self.directory = directory
        (description, graphFile) = try Self.current(directory)
        let count = description.count
        func map(_ name: String, _ size: Int) throws(SearchError) -> MappedFile {
            try Self.file(name, in: directory, size: size)
        }
        vectors = try Self.vectors(directory, description)
        if let codes = description.codes {
            let columns = codes.quantization.byteCount(description.size)
            self.codes = try map(codes.fileName, count * columns).rows(count, columns: columns)
        } else {
            codes = nil
        }
        if description.hasTexts {
            entries = try map(Self.entriesName, description.entryBytes)
            offsets = try map(Self.offsetsName, 8 * count)
        } else {
            (entries, offsets) = (nil, nil)
        }
        if let graph = description.graph, let file = graphFile {
            guard graph.count == count else { throw .damaged(file.path, "it does not join all vectors") }
            self.graph = try HNSWGraph(file, count: graph.count, settings: graph.settings)
        } else {
            graph = nil
        }
    }

    /// What counts, and the file of the graph. A run that adds writes a new graph, replaces `index.json`, and removes the old
    /// graph: where that is gone, `index.json` is read again.
    private static func current(_ directory: FilePath) throws(SearchError) -> (IndexDescription, MappedFile?) {
        func graph(_ description: IndexDescription) throws(SearchError) -> MappedFile? {
            guard let graph = description.graph else { return nil }
            return try file(graph.file, in: directory, size: 1)
        }
        let description = try IndexDescription(directory)
        do throws(SearchError) { return (description, try graph(description)) } catch {
            let newer = try IndexDescription(directory)
            if newer == description { throw error }
            return (newer, try graph(newer))
        }
    }

    public var count: Int { description.count }

    /// Bytes that `verify` reads.
    public var byteCount: Int { 4 * count * description.size + description.entryBytes }

    /// The text and identifier of a vector; `nil` in an index without texts.
    public func entry(_ row: Int) throws(SearchError) -> IndexEntry? {
        guard let entries, let offsets else { return nil }
        let start = row == 0 ? 0 : Int(clamping: offsets.integer(at: 8 * (row - 1), as: UInt64.self))
        let end = Int(clamping: offsets.integer(at: 8 * row, as: UInt64.self))
        guard start <= end, end <= description.entryBytes, let entry = IndexEntry(entries.bytes(start..<end)[...])
        else {
            throw .damaged(entries.path, "entry \(row) cannot be read")
        }
        return entry
    }

    /// Compares everything with the checksums of `index.json`.
    public func verify() throws(SearchError) {
        var (row, byte) = (0, 0)
        for part in description.parts {
            for (name, size) in description.rowSizes {
                try verify(name, row * size..<(row + part.count) * size, part)
            }
            if description.hasTexts { try verify(Self.entriesName, byte..<byte + part.entryBytes, part) }
            row += part.count
            byte += part.entryBytes
        }
        if let graph = description.graph, let file = graphFile {
            if file.sha256 != graph.sha256 { throw .checksum(file.path) }
        }
    }

    private func verify(_ name: String, _ range: Range<Int>, _ part: IndexDescription.Part) throws(SearchError) {
        let file = try Self.file(name, in: directory, size: range.upperBound)
        if file.sha256(range) != part.checksums[name] { throw .checksum(file.path) }
    }
}

extension IndexDescription {
    /// The files with as many bytes for every vector.
    var rowSizes: [(name: String, bytes: Int)] {
        var files = [(name: VectorIndex.vectorsName, bytes: 4 * size)]
        if let codes { files.append((codes.fileName, codes.quantization.byteCount(size))) }
        if hasTexts { files.append((VectorIndex.offsetsName, 8)) }
        return files
    }
}

extension MappedFile {
    /// The file's beginning as a matrix of little-endian floats.
    fileprivate func matrix(_ shape: Shape) -> StoredTensor {
        unsafe withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return StoredTensor(.zeros(shape)) }
            return unsafe StoredTensor(shape, base.assumingMemoryBound(to: Float.self), owner: self)
        }
    }

    fileprivate func rows(_ rows: Int, columns: Int) -> StoredBytes? {
        unsafe withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return nil }
            return unsafe StoredBytes(rows: rows, columns: columns, base, owner: self)
        }
    }
}
