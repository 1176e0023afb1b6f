import Glibc
import SystemPackage

/// A content that is being downloaded, `HASH.incomplete`: what an earlier run left of it counts. It keeps its place until
/// it is complete, so that a later run can continue.
final class PartialFile {
    let size: Int
    private let hash: ContentHash
    private let path: FilePath
    private let descriptor: FileDescriptor
    private var hasher: ContentHasher
    private(set) var count = 0

    private static let chunk = 1 << 20

    init(_ path: FilePath, size: Int, hash: ContentHash) throws(StoreError) {
        self.size = size
        self.hash = hash
        self.path = path
        hasher = ContentHasher(hash, size: size)
        do {
            descriptor = try FileDescriptor.open(
                path, .readWrite, options: [.create, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead])
        } catch { throw .checkpoint(.unwritable(path, error as? Errno ?? .ioError)) }
        try readWhatIsThere()
    }

    deinit { try? descriptor.close() }

    var isIntact: Bool { hasher.digits == hash.digits }

    func append(_ bytes: [UInt8]) throws(StoreError) {
        try writing { _ = try descriptor.writeAll(bytes) }
        hasher.update(bytes)
        count += bytes.count
    }

    func restart() throws(StoreError) {
        try writing {
            guard ftruncate(descriptor.rawValue, 0) == 0 else { throw Errno(rawValue: errno) }
            try descriptor.seek(offset: 0, from: .start)
        }
        (hasher, count) = (ContentHasher(hash, size: size), 0)
    }

    func remove() { unsafe path.withPlatformString { _ = unsafe unlink($0) } }

    /// Gives the file its own name, once it is on the disk.
    ///
    /// - Throws: `wrongChecksum`, and then nothing of it is kept.
    func commit(to target: FilePath, named file: String) throws(StoreError) {
        guard isIntact else {
            remove()
            throw .hub(.wrongChecksum(file: file, found: hasher.digits, expected: hash.digits))
        }
        try writing {
            guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
            try moveItem(path, to: target)
        }
    }

    private func readWhatIsThere() throws(StoreError) {
        do {
            guard try descriptor.seek(offset: 0, from: .end) <= Int64(size) else { return try restart() }
            try descriptor.seek(offset: 0, from: .start)
            while true {
                let part = unsafe try [UInt8](unsafeUninitializedCapacity: Self.chunk) { buffer, filled in
                    unsafe filled = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
                }
                if part.isEmpty { return }
                hasher.update(part)
                count += part.count
            }
        } catch let error as StoreError { throw error } catch {
            throw .checkpoint(.unreadable(path, error as? Errno ?? .ioError))
        }
    }

    private func writing(_ body: () throws -> Void) throws(StoreError) {
        do { try body() } catch { throw .checkpoint(.unwritable(path, error as? Errno ?? .ioError)) }
    }
}
