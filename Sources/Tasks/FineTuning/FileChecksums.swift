import CZlib
import Checkpoints
import FoundationEssentials
import SystemPackage

/// The checksums of a checkpoint's files, in a file beside them: what a disk or a copy changes later is noticed.
struct FileChecksums: Codable, Equatable, Sendable {
    /// By the name of the file.
    private var crc32: [String: UInt32] = [:]

    static let fileName = "checksums.json"

    /// Reads files that have just been written.
    init(of names: [String], in directory: FilePath) throws(CheckpointError) {
        for name in names { crc32[name] = try Self.crc32(of: directory.appending(name)) }
    }

    /// Reads what a checkpoint says of its files.
    init(_ directory: FilePath) throws(RunCheckpointError) {
        guard let file = try? MappedFile(directory.appending(Self.fileName)),
            let checksums = try? JSONDecoder().decode(Self.self, from: Data(file.bytes(0..<file.count)))
        else { throw .damaged(directory) }
        self = checksums
    }

    subscript(name: String) -> UInt32? {
        get { crc32[name] }
        set { crc32[name] = newValue }
    }

    func write(to directory: FilePath) throws(CheckpointError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        guard let text = try? encoder.encode(self) else { preconditionFailure("checksums that cannot be encoded") }
        try AtomicFile.write(Array(text), to: directory.appending(Self.fileName))
    }

    /// - Parameters:
    ///   - names: of the files that there must be.
    ///   - optional: of one that there may be.
    /// - Throws: `damaged` where other files are listed than these, before any is read; `missing` or `changed` for a file
    ///   that is not as it was written.
    func check(_ directory: FilePath, _ names: [String], optional: String) throws(RunCheckpointError) {
        let hasOptional =
            crc32[optional] != nil || FileManager.default.fileExists(atPath: directory.appending(optional).string)
        guard Set(crc32.keys) == Set(hasOptional ? names + [optional] : names) else { throw .damaged(directory) }
        for (name, expected) in crc32.sorted(by: { $0.key < $1.key }) {
            let path = directory.appending(name)
            let found: UInt32
            do { found = try Self.crc32(of: path) } catch .unreadable(_, .noSuchFileOrDirectory) {
                throw .missing(path)
            } catch { throw .file(error) }
            if found != expected { throw .changed(path) }
        }
    }

    /// A file's checksum, made with little of it in memory at a time. Source: RFC 1952, §8.
    static func crc32(of path: FilePath) throws(CheckpointError) -> UInt32 {
        do {
            let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            defer { try? descriptor.close() }
            var part = [UInt8](repeating: 0, count: 1 << 20)
            var checksum: UInt32 = 0
            while true {
                let count = unsafe try part.withUnsafeMutableBytes { unsafe try descriptor.read(into: $0) }
                if count == 0 { return checksum }
                checksum = unsafe part.withUnsafeBufferPointer {
                    unsafe czlib_crc32(checksum, $0.baseAddress, count)
                }
            }
        } catch { throw .unreadable(path, error as? Errno ?? .ioError) }
    }
}
