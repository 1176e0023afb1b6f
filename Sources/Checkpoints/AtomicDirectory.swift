import FoundationEssentials
import Glibc
public import SystemPackage

/// A directory being written: under a temporary name until `commit`, which gives it its name in one step.
/// Without `commit` nothing remains; where the process was killed, the next one that writes this directory removes it.
public final class AtomicDirectory {
    private let path: FilePath
    /// Where its files are written meanwhile.
    public let temporary: FilePath
    /// Says that somebody is writing; `nil` after `commit`.
    private var lock: FileLock?

    /// - Throws: `outputExists` where something has that name already; checked again by `commit`.
    public init(_ path: FilePath) throws(CheckpointError) {
        self.path = path.lexicallyNormalized()
        try Self.checkAbsence(of: self.path)
        Self.removeAbandoned(self.path)
        // Another process may take it for an abandoned one before it is locked.
        for _ in 0..<20 {
            let temporary = temporaryName(for: self.path)
            do throws(Errno) { try makeDirectory(temporary) } catch { throw .unwritable(path, error) }
            if let lock = FileLock.takeDirectory(temporary) {
                (self.temporary, self.lock) = (temporary, lock)
                return
            }
            try? FileManager.default.removeItem(atPath: temporary.string)
        }
        throw .unwritable(path, .resourceBusy)
    }

    /// Removes what killed processes have left of this directory: nobody holds its lock.
    private static func removeAbandoned(_ path: FilePath) {
        let parent = path.removingLastComponent()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: parent.isEmpty ? "." : parent.string)) ?? []
        let prefix = temporaryPrefix(for: path)
        for name in names where name.hasPrefix(prefix) && UInt32(name.dropFirst(prefix.count)) != nil {
            let abandoned = parent.appending(name)
            guard let lock = FileLock.takeDirectory(abandoned), lock.isHeld else { continue }
            withExtendedLifetime(lock) { try? FileManager.default.removeItem(atPath: abandoned.string) }
        }
    }

    /// The name of the directory that one with this name is to become; `nil` where it is to become none.
    package static func target(ofTemporary name: String) -> String? {
        guard let suffix = name.firstRange(of: temporaryInfix), name.hasPrefix("."),
            UInt32(name[suffix.upperBound...]) != nil
        else { return nil }
        return String(name[..<suffix.lowerBound].dropFirst())
    }

    public static func checkAbsence(of path: FilePath) throws(CheckpointError) {
        if FileManager.default.fileExists(atPath: path.string) { throw .outputExists(path) }
    }

    /// A directory inside one that is being written.
    public static func folder(_ name: String, in directory: FilePath) throws(CheckpointError) -> FilePath {
        let path = directory.appending(name)
        do throws(Errno) { try makeDirectory(path) } catch { throw .unwritable(path, error) }
        return path
    }

    deinit {
        if lock != nil { try? FileManager.default.removeItem(atPath: temporary.string) }
    }

    /// - Parameter isCancelled: asked when all but the name is there; where it says so, nothing remains.
    /// - Throws: `cancelled`, `outputExists`, `unwritable`.
    public func commit(isCancelled: () -> Bool = { false }) throws(CheckpointError) {
        try Self.checkAbsence(of: path)
        do throws(Errno) { try synchronize(temporary) } catch { throw .unwritable(path, error) }
        if isCancelled() { throw .cancelled(path) }
        do throws(Errno) {
            try moveItem(temporary, to: path)
            lock = nil
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

/// Makes a directory, and those above it, where it is missing.
///
/// - Throws: `notDirectory` where a file has its name.
package func makeDirectory(_ path: FilePath) throws(Errno) {
    do { try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true) } catch {
        var isDirectory = false
        let exists = FileManager.default.fileExists(atPath: path.string, isDirectory: &isDirectory)
        throw exists && !isDirectory ? .notDirectory : errorNumber(error)
    }
}

/// The error number behind an error of the file manager.
package func errorNumber(_ error: any Error) -> Errno {
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
