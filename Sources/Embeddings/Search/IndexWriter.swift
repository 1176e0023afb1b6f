import Checkpoints
import FoundationEssentials
import Glibc
public import SystemPackage
public import Tensors

/// Adds vectors with their texts to an index, or makes one.
///
/// An index is made under a temporary name. Additions are written behind what counts, and count from the moment at which
/// `index.json` is replaced; whatever happens before, the index is what it was.
public final class IndexWriter {
    public private(set) var description: IndexDescription
    private let target: FilePath
    private let directory: FilePath
    private let new: AtomicDirectory?
    private var lock: FileLock?
    private let vectorFile: AppendedFile
    private let entryFile: AppendedFile?
    private let offsetFile: AppendedFile?
    private var added = 0

    /// Begins an index that does not exist yet.
    public init(creating path: FilePath, _ description: IndexDescription) throws(SearchError) {
        do throws(CheckpointError) {
            let new = try AtomicDirectory(path)
            (target, directory, self.new, lock) = (path, new.temporary, new, nil)
            (vectorFile, entryFile, offsetFile) = try Self.open(new.temporary, description)
        } catch { throw .file(error) }
        self.description = description
    }

    /// Begins an addition to an index.
    public init(addingTo index: VectorIndex) throws(SearchError) {
        (target, directory, new) = (index.directory, index.directory, nil)
        description = index.description
        guard let lock = FileLock.takeDirectory(index.directory) else { throw .busy(index.directory) }
        self.lock = lock
        // Somebody may have added since the index was opened.
        guard try IndexDescription(index.directory) == index.description else { throw .busy(index.directory) }
        do throws(CheckpointError) {
            (vectorFile, entryFile, offsetFile) = try Self.open(index.directory, index.description)
        } catch { throw .file(error) }
    }

    private static func open(
        _ directory: FilePath, _ description: IndexDescription
    ) throws(CheckpointError) -> (AppendedFile, AppendedFile?, AppendedFile?) {
        let count = description.count
        func file(_ name: String, _ size: Int) throws(CheckpointError) -> AppendedFile {
            try AppendedFile(directory.appending(name), keeping: size)
        }
        return (
            try file(VectorIndex.vectorsName, 4 * count * description.size),
            description.hasTexts ? try file(VectorIndex.entriesName, description.entryBytes) : nil,
            description.hasTexts ? try file(VectorIndex.offsetsName, 8 * count) : nil
        )
    }

    /// Adds vectors, `[vectors, size]`; those of cosine similarity are scaled to length 1.
    ///
    /// - Parameter entries: one for each vector in an index with texts, else none.
    public func add(_ vectors: Tensor, _ entries: [IndexEntry]) throws(SearchError) {
        precondition(vectors.columns == description.size && entries.count == (description.hasTexts ? vectors.rows : 0))
        let first = description.count + added
        guard first + vectors.rows <= IndexDescription.countLimit else {
            throw .vector(row: first, "is one too many: an index holds up to 2^31 - 1")
        }
        if let (row, reason) = vectors.unusableRow(mustHaveLength: description.similarity == .cosine) {
            throw .vector(row: first + row, reason)
        }
        var vectors = vectors
        if description.similarity == .cosine { vectors.scaleRowsToLength1() }
        do throws(CheckpointError) {
            try vectorFile.append(vectors.values)
            if let entryFile, let offsetFile {
                var (bytes, offsets): ([UInt8], [UInt64]) = ([], [])
                for entry in entries {
                    bytes += entry.bytes
                    offsets.append(UInt64((entryFile.size + bytes.count)).littleEndian)
                }
                try entryFile.append(bytes)
                try offsetFile.append(offsets)
            }
        } catch { throw .file(error) }
        added += vectors.rows
    }

    /// The vectors of the index and those that were added.
    public var count: Int { description.count + added }

    /// Makes what was added count.
    ///
    /// - Parameters:
    ///   - graph: makes or extends a graph of approximate search; `nil` extends one where there is one.
    ///   - shouldStop: set from outside, for example by a signal.
    ///   - progress: is told how many vectors the graph has.
    /// - Throws: `interrupted` where it was stopped; what was added does not count then.
    public func commit(
        graph settings: HNSWSettings? = nil, shouldStop: () -> Bool = { false }, progress: (Int) -> Void = { _ in }
    ) throws(SearchError) {
        let old = description
        if description.count + added == 0 { throw .empty(target) }
        do throws(CheckpointError) {
            try vectorFile.synchronize()
            try entryFile?.synchronize()
            try offsetFile?.synchronize()
        } catch { throw .file(error) }
        if added > 0 {
            var checksums = [VectorIndex.vectorsName: vectorFile.digest]
            checksums[VectorIndex.entriesName] = entryFile?.digest
            checksums[VectorIndex.offsetsName] = offsetFile?.digest
            description.parts.append(
                IndexDescription.Part(count: added, entryBytes: entryFile?.added ?? 0, checksums: checksums))
        }
        let vectors = try VectorIndex.vectors(directory, description)
        try writeCodes(vectors, from: old.count)
        if shouldStop() { throw .interrupted }
        try writeGraph(settings, vectors, old: old.graph, shouldStop, progress)
        do throws(CheckpointError) {
            try JSONFile(directory, object: description.json).write(to: directory.appending(IndexDescription.fileName))
            try new?.commit()
        } catch { throw .file(error) }
        if let graph = old.graph, graph.file != description.graph?.file {
            unsafe directory.appending(graph.file).withPlatformString { _ = unsafe unlink($0) }
        }
        lock = nil
    }

    private func writeCodes(_ vectors: StoredTensor, from first: Int) throws(SearchError) {
        guard let codes = description.codes, first < vectors.rows else { return }
        if codes == .int8, description.ranges == nil {
            var ranges = ValueRanges(size: description.size)
            for block in blocks(0..<vectors.rows) { ranges.include(vectors.rows(block).tensor) }
            description.ranges = ranges
        }
        let quantizer = VectorQuantizer(codes.quantization, ranges: description.ranges)
        do throws(CheckpointError) {
            let columns = codes.quantization.byteCount(description.size)
            let file = try AppendedFile(directory.appending(codes.fileName), keeping: first * columns)
            for block in blocks(first..<vectors.rows) {
                let rows = vectors.rows(block).tensor
                try file.append(parallelMap(rows.rows) { quantizer.bytes(rows.row($0)) }.flatMap { $0 })
            }
            try file.synchronize()
            description.parts[description.parts.count - 1].checksums[codes.fileName] = file.digest
        } catch { throw .file(error) }
    }

    private func writeGraph(
        _ settings: HNSWSettings?, _ vectors: StoredTensor, old: IndexDescription.Graph?, _ shouldStop: () -> Bool,
        _ progress: (Int) -> Void
    ) throws(SearchError) {
        guard settings != nil || old != nil else { return }
        var graph: HNSWGraph
        if let old, settings == nil || settings == old.settings {
            let file: MappedFile
            do throws(CheckpointError) { file = try MappedFile(directory.appending(old.file)) } catch {
                throw .file(error)
            }
            if old.count == vectors.rows { return }
            graph = try HNSWGraph(file, count: old.count, settings: old.settings)
        } else {
            graph = HNSWGraph(settings ?? HNSWSettings())
        }
        graph.extend(
            over: vectors, by: description.similarity.rowScore, shouldStop: shouldStop, progress: progress)
        if graph.links.count < vectors.rows { throw .interrupted }
        let path = directory.appending(
            "graph-\(vectors.rows)-\(graph.settings.m)-\(graph.settings.efConstruction).hnsw")
        do throws(CheckpointError) {
            let file = try AtomicFile(path)
            try graph.links.write(to: file)
            try file.commit()
            description.graph = IndexDescription.Graph(
                file: path.lastComponent?.string ?? "", count: vectors.rows, sha256: try MappedFile(path).sha256,
                settings: graph.settings)
        } catch { throw .file(error) }
    }

    private func blocks(_ rows: Range<Int>) -> [Range<Int>] {
        stride(from: rows.lowerBound, to: rows.upperBound, by: 8192).map { $0..<min(rows.upperBound, $0 + 8192) }
    }
}

/// A file that grows behind what is kept of it.
private final class AppendedFile {
    private let path: FilePath
    private let descriptor: FileDescriptor
    private(set) var size: Int
    private(set) var added = 0
    private var fingerprint = Fingerprint()

    init(_ path: FilePath, keeping size: Int) throws(CheckpointError) {
        self.path = path
        self.size = size
        do {
            descriptor = try .open(
                path, .readWrite, options: [.create, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
            try descriptor.resize(to: Int64(size))
            try descriptor.seek(offset: 0, from: .end)
        } catch { throw .unwritable(path, error as? Errno ?? .ioError) }
    }

    deinit { try? descriptor.close() }

    func append(_ values: [some BitwiseCopyable]) throws(CheckpointError) {
        do {
            let count = unsafe try values.withUnsafeBytes { unsafe try descriptor.writeAll($0) }
            size += count
            added += count
        } catch { throw .unwritable(path, error as? Errno ?? .ioError) }
        fingerprint.add(values)
    }

    func synchronize() throws(CheckpointError) {
        guard fsync(descriptor.rawValue) == 0 else { throw .unwritable(path, Errno(rawValue: errno)) }
    }

    /// SHA-256 of what was added.
    var digest: String { fingerprint.digits }
}

extension Tensor {
    /// The first row with a value that cannot be compared, or without a length where one is needed, and why.
    fileprivate func unusableRow(mustHaveLength: Bool) -> (row: Int, reason: String)? {
        for row in 0..<rows {
            let values = self.row(row)
            if !values.allSatisfy(\.isFinite) { return (row, "holds a value that is infinite or not a number") }
            if !values.allSatisfy({ abs($0) < NPYFile.valueLimit }) { return (row, "holds a value of 1e15 or more") }
            if mustHaveLength, values.allSatisfy({ $0 == 0 }) { return (row, "has no direction (all zeros)") }
        }
        return nil
    }
}
