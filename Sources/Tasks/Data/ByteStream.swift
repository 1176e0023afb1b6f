import SystemPackage

/// The bytes of a file, chunk by chunk; of a gzip file, which its first bytes tell, those that were compressed.
final class ByteStream {
    private static let chunkSize = 1 << 18

    private let file: FilePath
    private let descriptor: FileDescriptor
    private var inflater: GzipInflater?
    private var isFirst = true

    init(_ file: FilePath) throws(CorpusError) {
        self.file = file
        do { descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec) } catch {
            throw .unreadable(file, error as? Errno ?? .ioError)
        }
        // A pipe gives its bytes once.
        if (try? descriptor.seek(offset: 0, from: .current)) == nil { throw .notAFile(file) }
    }

    deinit { try? descriptor.close() }

    /// The next bytes; none at the end.
    func next() throws(CorpusError) -> [UInt8] {
        while true {
            let chunk = try read()
            if isFirst {
                isFirst = false
                if chunk.starts(with: [0x1F, 0x8B]) { inflater = GzipInflater() }
            }
            guard let inflater else { return chunk }
            if chunk.isEmpty {
                if inflater.isInsideMember { throw .damagedGzip(file) }
                return []
            }
            do {
                let bytes = try inflater.inflate(chunk)
                if !bytes.isEmpty { return bytes }
            } catch { throw .damagedGzip(file) }
        }
    }

    private func read() throws(CorpusError) -> [UInt8] {
        do {
            return unsafe try [UInt8](unsafeUninitializedCapacity: Self.chunkSize) { buffer, count in
                count = unsafe try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
        } catch { throw .unreadable(file, error as? Errno ?? .ioError) }
    }
}
