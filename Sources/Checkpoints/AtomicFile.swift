import Glibc
public import SystemPackage

/// A file being written: under a temporary name until `commit`, which brings it to the disk and gives it its name.
/// Without `commit` nothing remains.
public final class AtomicFile {
    private let path: FilePath
    private let temporary: FilePath
    private let descriptor: FileDescriptor
    private var isOpen = true
    private var isCommitted = false

    public init(_ path: FilePath) throws(CheckpointError) {
        self.path = path
        temporary = temporaryName(for: path)
        do {
            descriptor = try FileDescriptor.open(
                temporary, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch { throw .unwritable(path, error as? Errno ?? .ioError) }
    }

    deinit { discard() }

    public func write(_ bytes: [UInt8]) throws(CheckpointError) {
        do { try descriptor.writeAll(bytes) } catch { throw .unwritable(path, error as? Errno ?? .ioError) }
    }

    /// Writes values as little-endian binary32.
    public func write(_ values: [Float]) throws(CheckpointError) { try writeValues(values) }

    /// Writes values in little-endian order.
    func write(_ values: [UInt16]) throws(CheckpointError) { try writeValues(values) }

    /// Writes integers in little-endian order.
    package func write(integers: [Int32]) throws(CheckpointError) { try writeValues(integers) }

    private func writeValues(_ values: [some BitwiseCopyable]) throws(CheckpointError) {
        do {
            _ = unsafe try values.withUnsafeBytes { unsafe try descriptor.writeAll($0) }
        } catch { throw .unwritable(path, error as? Errno ?? .ioError) }
    }

    public func commit() throws(CheckpointError) {
        do {
            guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
            isOpen = false
            try descriptor.close()
            try moveItem(temporary, to: path)
            isCommitted = true
        } catch { throw .unwritable(path, error as? Errno ?? .ioError) }
    }

    private func discard() {
        if isOpen { try? descriptor.close() }
        if isCommitted { return }
        unsafe temporary.withPlatformString { _ = unsafe unlink($0) }
    }

    /// Writes a whole file.
    public static func write(_ bytes: [UInt8], to path: FilePath) throws(CheckpointError) {
        let file = try AtomicFile(path)
        try file.write(bytes)
        try file.commit()
    }
}

/// A name beside the path, so that moving it there stays within one file system.
func temporaryName(for path: FilePath) -> FilePath {
    path.removingLastComponent().appending(temporaryPrefix(for: path) + "\(UInt32.random(in: 0...UInt32.max))")
}

/// What the temporary names for a path begin with.
func temporaryPrefix(for path: FilePath) -> String { ".\(path.lastComponent?.string ?? "output")\(temporaryInfix)" }

/// Stands between the name that a temporary file or directory is to have and a number.
let temporaryInfix = ".partial-"

func moveItem(_ source: FilePath, to target: FilePath) throws(Errno) {
    let status = unsafe source.withPlatformString { source in
        unsafe target.withPlatformString { target in unsafe rename(source, target) }
    }
    guard status == 0 else { throw Errno(rawValue: errno) }
}
