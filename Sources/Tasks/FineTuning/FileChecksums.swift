import Checkpoints
import FoundationEssentials
import SystemPackage

/// The checksums of a checkpoint's files, in a file beside them: what a disk or a copy changes later is noticed.
struct FileChecksums: Codable, Equatable, Sendable {
    /// By the name of the file.
    private var crc32c: [String: UInt32] = [:]

    static let fileName = "checksums.json"

    /// Reads files that have just been written.
    init(of names: [String], in directory: FilePath) throws(CheckpointError) {
        for name in names { crc32c[name] = try MappedFile(directory.appending(name)).crc32c }
    }

    /// Reads what a checkpoint says of its files.
    init(_ directory: FilePath) throws(RunCheckpointError) {
        guard let file = try? MappedFile(directory.appending(Self.fileName)),
            let checksums = try? JSONDecoder().decode(Self.self, from: Data(file.bytes(0..<file.count)))
        else { throw .damaged(directory) }
        self = checksums
    }

    subscript(name: String) -> UInt32? {
        get { crc32c[name] }
        set { crc32c[name] = newValue }
    }

    func write(to directory: FilePath) throws(CheckpointError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let text = try? encoder.encode(self) else { preconditionFailure("checksums that cannot be encoded") }
        try AtomicFile.write(Array(text), to: directory.appending(Self.fileName))
    }

    /// - Throws: `changed` for a file that is not as it was written.
    func check(_ directory: FilePath) throws(RunCheckpointError) {
        for (name, checksum) in crc32c.sorted(by: { $0.key < $1.key }) {
            let path = directory.appending(name)
            let file: MappedFile
            do { file = try MappedFile(path) } catch { throw .file(error) }
            if file.crc32c != checksum { throw .changed(path) }
        }
    }
}
