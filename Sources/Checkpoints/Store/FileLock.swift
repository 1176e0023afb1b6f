import Glibc
package import SystemPackage

/// An advisory lock on a file or directory, for as long as the object lives and the process runs.
///
/// Source: flock(2). Python's `filelock`, which huggingface_hub uses, takes the same locks.
package final class FileLock {
    private let path: FilePath
    private let descriptor: FileDescriptor
    private let removesFile: Bool
    /// Whether others see it. On a file system without locks everybody gets one.
    let isHeld: Bool

    private init(_ path: FilePath, _ descriptor: FileDescriptor, removesFile: Bool, isHeld: Bool) {
        self.isHeld = isHeld
        self.path = path
        self.descriptor = descriptor
        self.removesFile = removesFile
    }

    deinit {
        if removesFile { unsafe path.withPlatformString { _ = unsafe unlink($0) } }
        // Not by closing alone: a process that is just being started holds a copy until it runs its own program.
        flock(descriptor.rawValue, LOCK_UN)
        try? descriptor.close()
    }

    /// Creates and locks a file. It is removed when the lock is given up, so that none remains.
    ///
    /// - Returns: `nil` where somebody else has the lock.
    static func take(_ path: FilePath) throws(CheckpointError) -> FileLock? {
        do {
            let descriptor = try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec],
                permissions: [.ownerReadWrite, .groupReadWrite, .otherRead])
            return lock(descriptor, path).map { FileLock(path, descriptor, removesFile: true, isHeld: $0) }
        } catch { throw .unwritable(path, error as? Errno ?? .ioError) }
    }

    /// Locks a directory that is there, and stays.
    ///
    /// - Returns: `nil` where somebody else has the lock, or there is no such directory.
    package static func takeDirectory(_ path: FilePath) -> FileLock? {
        guard let descriptor = try? FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec]) else {
            return nil
        }
        return lock(descriptor, path).map { FileLock(path, descriptor, removesFile: false, isHeld: $0) }
    }

    /// - Returns: whether the lock is held; `nil` where somebody else has it, and the descriptor is closed then.
    private static func lock(_ descriptor: FileDescriptor, _ path: FilePath) -> Bool? {
        var status = flock(descriptor.rawValue, LOCK_EX | LOCK_NB)
        while status != 0, errno == EINTR { status = flock(descriptor.rawValue, LOCK_EX | LOCK_NB) }
        // On a file system without locks, contents are verified and moved into place in one step all the same.
        let isFree = status == 0 || errno == ENOTSUP || errno == ENOLCK || errno == ENOSYS
        // Whoever had it may have removed the file meanwhile.
        if isFree, isSame(descriptor, path) { return status == 0 }
        try? descriptor.close()
        return nil
    }

    private static func isSame(_ descriptor: FileDescriptor, _ path: FilePath) -> Bool {
        var (opened, named) = (stat(), stat())
        guard unsafe fstat(descriptor.rawValue, &opened) == 0,
            unsafe path.withPlatformString({ unsafe stat($0, &named) }) == 0
        else { return false }
        return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev
    }
}
