import Glibc
public import SystemPackage

/// A file's bytes, mapped into memory and read only; pages come from the disk when they are first touched.
@safe public final class MappedFile: @unchecked Sendable {  // the mapping never changes and lives as long as the object
    public let path: FilePath
    public let count: Int
    private let base: UnsafeRawPointer?

    public init(_ path: FilePath) throws(CheckpointError) {
        self.path = path
        do {
            let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            defer { try? descriptor.close() }
            var status = stat()
            guard unsafe fstat(descriptor.rawValue, &status) == 0 else { throw Errno(rawValue: errno) }
            if status.st_mode & S_IFMT == S_IFDIR { throw Errno.isDirectory }
            count = Int(try descriptor.seek(offset: 0, from: .end))
            if count == 0 {
                unsafe base = nil
            } else {
                let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor.rawValue, 0)
                guard let address = unsafe address, unsafe address != MAP_FAILED else { throw Errno(rawValue: errno) }
                unsafe base = UnsafeRawPointer(address)
            }
        } catch {
            throw .unreadable(path, error as? Errno ?? .ioError)
        }
    }

    /// - Parameter purpose: what the file holds, for the message when it is missing.
    public convenience init(_ path: FilePath, purpose: String) throws(CheckpointError) {
        do throws(CheckpointError) { try self.init(path) } catch {
            if case .unreadable(_, .noSuchFileOrDirectory) = error { throw .missingFile(path, purpose: purpose) }
            throw error
        }
    }

    deinit {
        if let base = unsafe base { unsafe munmap(UnsafeMutableRawPointer(mutating: base), count) }
    }

    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// A copy of some of the bytes.
    public func bytes(_ range: Range<Int>) -> [UInt8] {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "\(range) of \(count) bytes")
        return unsafe withUnsafeBytes { unsafe Array($0[range]) }
    }

    /// An integer of the file, in little-endian order. The bytes are in the file.
    package func integer<Value: FixedWidthInteger>(at offset: Int, as type: Value.Type = Value.self) -> Value {
        precondition(offset >= 0 && offset + MemoryLayout<Value>.size <= count, "\(offset) of \(count) bytes")
        return unsafe withUnsafeBytes { unsafe Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type)) }
    }

    /// Integers one behind the other, in little-endian order, as this machine has them; moves `offset` behind them.
    package func integers(_ count: Int, at offset: inout Int) -> [Int32] {
        precondition(
            offset >= 0 && offset + 4 * count <= self.count, "\(count) integers at \(offset) of \(self.count) bytes")
        defer { offset += 4 * count }
        return unsafe [Int32](unsafeUninitializedCapacity: count) { values, initialized in
            unsafe withUnsafeBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(values).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + 4 * count]))
            }
            initialized = count
        }
    }

    func contains(_ bytes: [UInt8], at offset: Int) -> Bool {
        offset + bytes.count <= count && self.bytes(offset..<offset + bytes.count) == bytes
    }

    func starts(with bytes: [UInt8]) -> Bool { contains(bytes, at: 0) }

    /// Lets the system take back the memory of a part that will not be read soon, where that is worth a call.
    func release(_ range: Range<Int>) {
        let page = 4096
        let start = (range.lowerBound + page - 1) / page * page
        let length = range.upperBound / page * page - start
        guard length >= 1 << 20, let base = unsafe base else { return }
        unsafe madvise(UnsafeMutableRawPointer(mutating: base + start), length, MADV_DONTNEED)
    }
}
