/// The keys and values of a LevelDB table without compression, the form of a TensorFlow checkpoint's index.
///
/// Source: LevelDB, doc/table_format.md; the checksums are checked.
struct SortedTable {
    private static let footerLength = 48
    private static let magic: UInt64 = 0xDB47_7524_8B80_FB57

    let file: MappedFile
    private(set) var pairs: [(key: [UInt8], value: Range<Int>)] = []

    init(_ file: MappedFile) throws(TensorFlowFault) {
        self.file = file
        guard file.count >= Self.footerLength, file.integer(at: file.count - 8, as: UInt64.self) == Self.magic else {
            throw .notATable
        }
        var footer = ByteReader(file, file.count - Self.footerLength..<file.count - 8)
        guard try block(&footer) != nil, let index = try block(&footer) else { throw .truncated(offset: file.count) }
        let blocks = try read(index).map { pair throws(TensorFlowFault) in
            var handle = ByteReader(file, pair.value)
            guard let block = try block(&handle) else { throw .truncated(offset: pair.value.lowerBound) }
            return block
        }
        // Blocks that overlap would let a small file hold any number of keys.
        var end = 0
        for block in blocks {
            guard block.lowerBound >= end else { throw .malformed("overlapping blocks", offset: block.lowerBound) }
            end = block.upperBound
            pairs += try read(block)
        }
    }

    /// A block's place, of which the reader holds offset and size.
    private func block(_ reader: inout ByteReader) throws(TensorFlowFault) -> Range<Int>? {
        guard let offset = reader.size(), let size = reader.size() else { return nil }
        // Behind the block: its compression and its checksum.
        guard offset <= file.count - 5, size <= file.count - 5 - offset else {
            throw .malformed("a block beyond the file", offset: offset)
        }
        return offset..<offset + size
    }

    private func read(_ block: Range<Int>) throws(TensorFlowFault) -> [(key: [UInt8], value: Range<Int>)] {
        let compression = file.integer(at: block.upperBound, as: UInt8.self)
        guard compression == 0 else { throw .compressed }
        let found = unsafe file.withUnsafeBytes { bytes in
            unsafe CRC32C.masked(UnsafeRawBufferPointer(rebasing: bytes[block.lowerBound...block.upperBound]))
        }
        guard found == file.integer(at: block.upperBound + 1, as: UInt32.self) else {
            throw .checksum(of: "the block at byte \(block.lowerBound)")
        }
        guard block.count >= 4 else { throw .truncated(offset: block.upperBound) }
        let restarts = Int(file.integer(at: block.upperBound - 4, as: UInt32.self))
        guard restarts <= (block.count - 4) / 4 else { throw .malformed("a damaged block", offset: block.upperBound) }
        var reader = ByteReader(file, block.lowerBound..<block.upperBound - 4 - 4 * restarts)
        var pairs: [(key: [UInt8], value: Range<Int>)] = []
        var key: [UInt8] = []
        var keyBytes = 0
        while reader.remaining > 0 {
            let offset = reader.offset
            guard let shared = reader.size(), let length = reader.size(), let size = reader.size(), shared <= key.count,
                let tail = reader.bytes(length), let value = reader.range(size)
            else { throw .malformed("a damaged entry", offset: offset) }
            key.removeSubrange(shared...)
            key += tail
            // Shared beginnings must not make megabytes of a few bytes.
            keyBytes += key.count
            guard keyBytes <= 64 * block.count else { throw .malformed("names longer than the block", offset: offset) }
            pairs.append((key, value))
        }
        return pairs
    }
}
