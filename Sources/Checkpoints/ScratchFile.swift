import Glibc
public import SystemPackage

/// A file without a name, for values that would take too much memory. Its space is free again when the object, or the
/// process, is gone, in whatever way it ends.
public final class ScratchFile: Sendable {
    private let path: FilePath
    private let descriptor: FileDescriptor

    /// - Parameter directory: on the file system that is to hold the values.
    public init(in directory: FilePath) throws(CheckpointError) {
        path = temporaryName(for: directory.appending("scratch"))
        do {
            descriptor = try FileDescriptor.open(
                path, .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
        } catch { throw .unwritable(directory, error as? Errno ?? .ioError) }
        unsafe path.withPlatformString { _ = unsafe unlink($0) }
    }

    deinit { try? descriptor.close() }

    /// Goes back to the beginning, to write anew or to read.
    public func rewind() throws(CheckpointError) {
        do { try descriptor.seek(offset: 0, from: .start) } catch {
            throw .unwritable(path, error as? Errno ?? .ioError)
        }
    }

    public func write(_ values: [some BitwiseCopyable]) throws(CheckpointError) {
        do { _ = unsafe try values.withUnsafeBytes { unsafe try descriptor.writeAll($0) } } catch {
            throw .unwritable(path, error as? Errno ?? .ioError)
        }
    }

    /// The next values, in the order in which they were written.
    public func read(count: Int) throws(CheckpointError) -> [Float] {
        var values = [Float](repeating: 0, count: count)
        unsafe try fill(&values) { unsafe try self.descriptor.read(into: $0) }
        return values
    }

    /// Values in the middle of the file, on any thread.
    ///
    /// - Parameter place: how many values stand before them.
    public func read(count: Int, at place: Int) throws(CheckpointError) -> [Int32] {
        var values = [Int32](repeating: 0, count: count)
        var offset = Int64(place * MemoryLayout<Int32>.stride)
        unsafe try fill(&values) { bytes in
            let size = unsafe try self.descriptor.read(fromAbsoluteOffset: offset, into: bytes)
            offset += Int64(size)
            return size
        }
        return values
    }

    private func fill<Value: BitwiseCopyable>(
        _ values: inout [Value], _ read: (UnsafeMutableRawBufferPointer) throws -> Int
    ) throws(CheckpointError) {
        do {
            unsafe try values.withUnsafeMutableBytes { bytes in
                var rest = unsafe bytes[...]
                while unsafe !rest.isEmpty {
                    let size = unsafe try read(UnsafeMutableRawBufferPointer(rebasing: rest))
                    if size == 0 { throw Errno.ioError }
                    unsafe rest = rest.dropFirst(size)
                }
            }
        } catch { throw .unreadable(path, error as? Errno ?? .ioError) }
    }
}
