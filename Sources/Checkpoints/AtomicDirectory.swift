import FoundationEssentials
import Glibc
public import SystemPackage

/// A directory being written: under a temporary name until `commit`, which gives it its name in one step.
/// Without `commit` nothing remains.
public final class AtomicDirectory {
    private let path: FilePath
    /// Where its files are written meanwhile.
    public let temporary: FilePath
    private var isCommitted = false

    /// - Throws: `outputExists` where something has that name already; checked again by `commit`.
    public init(_ path: FilePath) throws(CheckpointError) {
        self.path = path.lexicallyNormalized()
        try Self.checkAbsence(of: self.path)
        temporary = temporaryName(for: self.path)
        do {
            try FileManager.default.createDirectory(atPath: temporary.string, withIntermediateDirectories: true)
        } catch { throw .unwritable(path, errorNumber(error)) }
    }

    public static func checkAbsence(of path: FilePath) throws(CheckpointError) {
        if FileManager.default.fileExists(atPath: path.string) { throw .outputExists(path) }
    }

    deinit {
        if !isCommitted { try? FileManager.default.removeItem(atPath: temporary.string) }
    }

    public func commit() throws(CheckpointError) {
        try Self.checkAbsence(of: path)
        do throws(Errno) {
            try synchronize(temporary)
            try moveItem(temporary, to: path)
            isCommitted = true
            try synchronize(path.removingLastComponent())
        } catch { throw .unwritable(path, error) }
    }
}

/// Brings the names in a directory to the disk.
func synchronize(_ directory: FilePath) throws(Errno) {
    do {
        let descriptor = try FileDescriptor.open(
            directory.isEmpty ? "." : directory, .readOnly, options: [.directory, .closeOnExec])
        defer { try? descriptor.close() }
        // Some file systems have no such call for directories.
        if fsync(descriptor.rawValue) != 0, errno != EINVAL, errno != ENOTSUP { throw Errno(rawValue: errno) }
    } catch { throw error as? Errno ?? .ioError }
}

/// The error number behind an error of the file manager.
func errorNumber(_ error: any Error) -> Errno {
    guard let error = error as? CocoaError else { return .ioError }
    if let underlying = error.underlying as? POSIXError { return Errno(rawValue: underlying.code.rawValue) }
    return switch error.code {
    case .fileWriteOutOfSpace: .noSpace
    case .fileWriteNoPermission, .fileReadNoPermission: .permissionDenied
    case .fileWriteVolumeReadOnly: .readOnlyFileSystem
    case .fileWriteFileExists: .fileExists
    case .fileNoSuchFile, .fileReadNoSuchFile: .noSuchFileOrDirectory
    default: .ioError
    }
}
