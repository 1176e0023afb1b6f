import Checkpoints
import Embeddings
import Glibc
import JSON
public import SystemPackage

/// A file that vectors are written to as they come, and that a run which was interrupted goes on with.
public struct RecordFile {
    public let descriptor: FileDescriptor
    /// The whole records that the file had: so many lines of the input are done.
    public let done: Int
    private let path: FilePath
    private let layout: EmbeddingRecords.Layout

    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        case exists(FilePath)
        case file(FilePath, Errno)
        /// A file that other settings wrote.
        case otherLayout(FilePath, found: String, expected: String)
        /// More records than the input has lines.
        case otherInput(FilePath, records: Int, lines: Int)

        public var description: String {
            switch self {
            case .exists(let path):
                "\(path): exists already. Remove it, choose another name, or go on with it by --skip-done."
            case .file(let path, let error):
                "\(path): cannot be used: \(error). Check the path, its permissions and the free space."
            case .otherLayout(let path, let found, let expected):
                "\(path): holds \(found); this run writes \(expected). Give the flags that it was written with."
            case .otherInput(let path, let records, let lines):
                "\(path): holds \(records.counted("record")); the input has \(lines.counted("line")). Is it the same "
                    + "input?"
            }
        }
    }

    /// - Parameter continues: keeps the whole records of a file that is there, and cuts off a torn one at its end.
    public init(
        _ path: FilePath, _ layout: EmbeddingRecords.Layout, continues: Bool
    ) throws(Failure) {
        self.path = path
        self.layout = layout
        do {
            descriptor = try .open(
                path, .readWrite,
                options: continues ? [.create, .closeOnExec] : [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch { throw error as? Errno == .fileExists ? .exists(path) : .file(path, error as? Errno ?? .ioError) }
        let kept = try WholeRecords(path, layout)
        done = kept.count
        do {
            try descriptor.resize(to: Int64(kept.end))
            try descriptor.seek(offset: 0, from: .end)
            if layout.format == .npy, kept.end == 0 { try descriptor.writeAll(header(rows: 0)) }
        } catch { throw .file(path, error as? Errno ?? .ioError) }
    }

    /// Writes what only the end knows, and closes the file.
    public func close() throws(Failure) {
        do {
            let end = try Int(descriptor.seek(offset: 0, from: .end))
            if layout.format == .npy {
                try descriptor.writeAll(
                    toAbsoluteOffset: 0, header(rows: (end - NPYHeader.byteCount) / layout.rowSize))
            }
            try descriptor.close()
        } catch { throw .file(path, error as? Errno ?? .ioError) }
    }

    /// Checks that the input had as many lines as the file had records.
    public func check(linesRead lines: Int) throws(Failure) {
        if lines < done { throw .otherInput(path, records: done, lines: lines) }
    }

    private func header(rows: Int) -> [UInt8] {
        NPYHeader.bytes(rows: rows, columns: layout.columns, element: layout.element)
    }
}

/// The whole records at the beginning of a file, and where they end.
private struct WholeRecords {
    var count = 0
    var end = 0

    init(_ path: FilePath, _ layout: EmbeddingRecords.Layout) throws(RecordFile.Failure) {
        let file: MappedFile
        do throws(CheckpointError) { file = try MappedFile(path) } catch {
            if case .unreadable(_, let reason) = error { throw .file(path, reason) }
            throw .file(path, .ioError)
        }
        switch layout.format {
        case .bin:
            count = file.count / layout.rowSize
            end = count * layout.rowSize
        case .npy: try readHeader(file, layout)
        case .tsv, .jsonl: try readLines(file, layout)
        }
    }

    private mutating func readHeader(_ file: MappedFile, _ layout: EmbeddingRecords.Layout) throws(RecordFile.Failure) {
        let expected = "vectors of \(layout.columns) values in \(layout.element.rawValue)"
        if file.count < NPYHeader.byteCount {
            // Killed before the header was whole: it begins as ours, as far as the number of rows.
            let header = NPYHeader.bytes(rows: 0, columns: layout.columns, element: layout.element)
                .prefix { $0 != UInt8(ascii: "(") }
            if zip(file.bytes(0..<file.count), header).allSatisfy(==) { return }
            throw .otherLayout(file.path, found: "no array of graft embed", expected: expected)
        }
        let found = try? NPYHeader(parsing: file.bytes(0..<NPYHeader.byteCount))
        guard let found, found.element == layout.element, found.columns == layout.columns,
            found.dataStart == NPYHeader.byteCount
        else {
            let text = found.map { "vectors of \($0.columns) values in \($0.element.rawValue)" }
            throw .otherLayout(file.path, found: text ?? "no array of graft embed", expected: expected)
        }
        count = (file.count - NPYHeader.byteCount) / layout.rowSize
        end = NPYHeader.byteCount + count * layout.rowSize
    }

    /// Lines, the last of which may be torn.
    private mutating func readLines(_ file: MappedFile, _ layout: EmbeddingRecords.Layout) throws(RecordFile.Failure) {
        let lineFeed = UInt8(ascii: "\n")
        let chunkSize = 1 << 20
        var isKnown = false
        var start = 0
        while start < file.count {
            let chunk = file.bytes(start..<min(file.count, start + chunkSize))
            for (place, byte) in chunk.enumerated() where byte == lineFeed {
                if !isKnown {
                    let line = file.bytes(end..<start + place)
                    isKnown = try checkWidth(line, file.path, layout)
                }
                count += 1
                end = start + place + 1
            }
            start += chunk.count
        }
        if count == 0 { try checkBeginning(file.bytes(0..<min(file.count, chunkSize)), file.path, layout) }
    }

    /// A file without a whole record, all of which is cut off: it must begin as a record does.
    private func checkBeginning(
        _ bytes: [UInt8], _ path: FilePath, _ layout: EmbeddingRecords.Layout
    ) throws(RecordFile.Failure) {
        let isRecord =
            layout.format == .tsv
            ? bytes.allSatisfy("0123456789+-.einfa\t".utf8.contains) : zip(bytes, "{\"index\":".utf8).allSatisfy(==)
        if isRecord { return }
        throw .otherLayout(
            path, found: layout.format == .tsv ? "no numbers" : "no records of graft embed",
            expected: layout.described)
    }

    /// Compares a record with what this run writes.
    ///
    /// - Returns: whether it tells; the record of an unusable line does not.
    private func checkWidth(
        _ line: [UInt8], _ path: FilePath, _ layout: EmbeddingRecords.Layout
    ) throws(RecordFile.Failure) -> Bool {
        let found: String
        if layout.format == .tsv {
            let cells = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
            let areNumbers = cells.allSatisfy { Float($0) != nil }
            let areBytes = cells.allSatisfy { Int($0) != nil }
            if cells.count == layout.columns, areNumbers, areBytes == (layout.element != .float32) { return true }
            found = areNumbers ? "tsv with vectors of \(cells.count) \(areBytes ? "bytes" : "values")" : "no numbers"
        } else {
            let record = try? JSON(parsing: line)
            if record?["error"] != nil { return false }
            let vector = record?["embedding"]?.array
            let areBytes = vector?.allSatisfy { $0.integer != nil } == true
            if vector?.count == layout.columns, areBytes == (layout.element != .float32) { return true }
            found =
                vector.map { "jsonl with vectors of \($0.count) \(areBytes ? "bytes" : "values")" }
                ?? "no records of graft embed"
        }
        throw .otherLayout(path, found: found, expected: layout.described)
    }
}

extension EmbeddingRecords.Layout {
    fileprivate var described: String {
        "\(format.rawValue) with vectors of \(columns) \(element == .float32 ? "values" : "bytes")"
    }
}
