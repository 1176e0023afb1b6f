import Checkpoints

/// Where the parts of our own format stand, which opens without a pass over its words or vectors.
///
/// A header of 128 bytes, then parts that begin at multiples of 64: the vectors of the words and of their n-grams' buckets
/// (f32), the vectors' lengths (f32), counts (UInt64, where the model knows them), where each word ends (UInt32), a hash
/// table of rows (UInt32, see `WordTable`), the buckets of a pruned model with their rows (2 × Int32), in version 2 of
/// the last words, which have another word's vector, whose they have (Int32), and the words.
/// All numbers are little-endian. The header has a checksum of its own; `digest` is the SHA-256 of all behind it.
struct GraftVectorsLayout: Equatable {
    static let magic = Array("GRAFTWV\n".utf8)
    static let headerSize = 128

    var words: Int
    var dimension: Int
    var textBytes: Int
    var hasCounts: Bool
    var hashing = SubwordHashing(minLength: 0, maxLength: 0, buckets: 0)
    /// Words without a vector of their own.
    var shared = 0
    /// Rows of n-grams.
    var bucketRows = 0
    /// Buckets of a pruned model; `nil` where all buckets have a row.
    var kept: Int?

    /// 2 where words share vectors, which the first version had no place for.
    var version: UInt32 { shared > 0 ? 2 : 1 }
    var slots: Int { WordTable.slotCount(words) }
    var hasSubwords: Bool { bucketRows > 0 }

    /// The parts in their order.
    var sizes: [Int] {
        [
            4 * (words - shared) * dimension, 4 * bucketRows * dimension, 4 * words, hasCounts ? 8 * words : 0,
            4 * words,
            4 * slots, 8 * (kept ?? 0), 4 * shared, textBytes,
        ]
    }

    var ranges: [Range<Int>] {
        var start = Self.headerSize
        return sizes.map { size in
            defer { start = (start + size + 63) / 64 * 64 }
            return start..<start + size
        }
    }

    var fileSize: Int { ranges.last!.upperBound }

    func header(digest: [UInt8]) -> [UInt8] {
        var bytes = Self.magic
        func append(_ value: some FixedWidthInteger) { bytes += littleEndianBytes(value) }
        append(version)
        append(UInt32(dimension))
        append(UInt64(words))
        append(UInt64(textBytes))
        append(UInt64(bucketRows))
        append(UInt64(hashing.buckets))
        append(UInt32(hashing.minLength))
        append(UInt32(hashing.maxLength))
        append(Int64(kept ?? -1))
        append(UInt64(hasCounts ? 1 : 0))
        append(UInt64(fileSize))
        bytes += digest
        append(UInt64(shared))
        bytes += [UInt8](repeating: 0, count: Self.headerSize - 8 - bytes.count)
        append(unsafe bytes.withUnsafeBytes { unsafe WordTable.hash($0) })
        return bytes
    }

    /// Reads a header, which is what this program writes or is refused.
    static func read(_ file: MappedFile) throws(WordVectorsError) -> (layout: GraftVectorsLayout, digest: [UInt8]) {
        guard file.count >= headerSize else { throw .header(file.path, "it ends within its header") }
        let version = Int(file.integer(at: 8) as UInt32)
        guard (1...2).contains(version) else {
            throw .unsupportedVersion(file.path, found: version, supported: "1 and 2")
        }
        let checked = file.bytes(0..<headerSize - 8)
        let sum = unsafe checked.withUnsafeBytes { unsafe WordTable.hash($0) }
        guard file.integer(at: headerSize - 8) == sum else { throw .header(file.path, "its header changed") }
        func count(_ offset: Int) throws(WordVectorsError) -> Int {
            let value: UInt64 = file.integer(at: offset)
            guard value <= UInt64(file.count) else { throw .header(file.path, "its header counts \(value)") }
            return Int(value)
        }
        let kept: Int64 = file.integer(at: 56)
        guard kept <= Int64(file.count) else { throw .header(file.path, "its header counts \(kept)") }
        let buckets: UInt64 = file.integer(at: 40)
        guard buckets <= UInt64(Int32.max) else { throw .header(file.path, "its header counts \(buckets)") }
        let layout = GraftVectorsLayout(
            words: try count(16), dimension: Int(file.integer(at: 12) as UInt32), textBytes: try count(24),
            hasCounts: file.integer(at: 64) == UInt64(1),
            hashing: SubwordHashing(
                minLength: Int(file.integer(at: 48) as UInt32), maxLength: Int(file.integer(at: 52) as UInt32),
                buckets: Int(buckets)),
            shared: try count(112), bucketRows: try count(32), kept: kept < 0 ? nil : Int(kept))
        guard layout.dimension > 0, layout.dimension <= file.count, layout.hashing.maxLength <= 1000,
            layout.words > layout.shared
        else { throw .header(file.path, "its header promises no vectors") }
        let rows = layout.words - layout.shared + layout.bucketRows
        guard rows <= file.count / 4 / layout.dimension, layout.fileSize == file.count else {
            throw .header(file.path, "it has \(file.count) bytes; its header asks for another number")
        }
        guard layout.bucketRows == (layout.kept ?? layout.hashing.buckets) || !layout.hasSubwords else {
            throw .header(file.path, "\(layout.bucketRows) rows for its n-grams")
        }
        return (layout, file.bytes(80..<112))
    }
}

/// The bytes of an integer, the lowest first.
func littleEndianBytes(_ value: some FixedWidthInteger) -> [UInt8] {
    unsafe withUnsafeBytes(of: value.littleEndian) { unsafe Array($0) }
}
