import Checkpoints
import SystemPackage
import Tensors

/// A file in our own format, mapped.
struct GraftVectorsFile {
    let words: WordTable
    let rows: StoredRows
    let norms: BorrowedBytes
    /// UInt64, or nothing.
    let counts: BorrowedBytes?
    let subwords: SubwordTable?
    /// See `WordVectors.shared`.
    let shared: [Int32]

    init(_ file: MappedFile) throws(WordVectorsError) {
        let (layout, _) = try GraftVectorsLayout.read(file)
        let parts = layout.ranges.map { BorrowedBytes(file, $0) }
        let own = layout.words - layout.shared
        let shared = (0..<layout.shared).map { parts[7].load(Int32.self, at: 4 * $0) }
        guard shared.allSatisfy({ 0..<own ~= Int($0) }) else { throw .header(file.path, "a word has no vector") }
        self.shared = shared
        let stored = StoredRows(rows: own, columns: layout.dimension, parts[0])
        rows = shared.isEmpty ? stored : stored.selecting(Array(0..<own) + shared.map(Int.init))
        norms = parts[2]
        counts = layout.hasCounts ? parts[3] : nil
        words = WordTable(count: layout.words, text: parts[8], ends: parts[4], slots: parts[5])
        guard layout.hasSubwords else {
            subwords = nil
            return
        }
        var kept: [(bucket: Int32, row: Int32)]?
        if let count = layout.kept {
            let pairs = (0..<count).map { i in
                (bucket: parts[6].load(Int32.self, at: 8 * i), row: parts[6].load(Int32.self, at: 8 * i + 4))
            }
            guard pairs.allSatisfy({ 0..<layout.bucketRows ~= Int($0.row) }) else {
                throw .header(file.path, "an n-gram has no row")
            }
            kept = pairs
        }
        subwords = SubwordTable(
            hashing: layout.hashing,
            rows: .dense(StoredRows(rows: layout.bucketRows, columns: layout.dimension, parts[1])), firstRow: 0,
            kept: kept)
    }

    /// Refuses a file whose content changed since it was written: reads all of it.
    static func verify(_ file: MappedFile) throws(WordVectorsError) {
        let digest = try GraftVectorsLayout.read(file).digest
        var fingerprint = Fingerprint()
        var offset = GraftVectorsLayout.headerSize
        while offset < file.count {
            let end = min(file.count, offset + 1 << 22)
            fingerprint.add(file.bytes(offset..<end))
            offset = end
        }
        guard fingerprint.bytes == digest else { throw .checksum(file.path) }
    }

    /// Writes a model in this format.
    static func write(_ vectors: WordVectors, to path: FilePath) throws(WordVectorsError) {
        let subwords = vectors.subwords
        let rows = vectors.rows
        let layout = GraftVectorsLayout(
            words: vectors.count, dimension: vectors.dimension, textBytes: vectors.words.text.count,
            hasCounts: vectors.counts != nil,
            hashing: subwords?.hashing ?? SubwordHashing(minLength: 0, maxLength: 0, buckets: 0),
            shared: vectors.shared.count, bucketRows: subwords.map { $0.kept?.count ?? $0.hashing.buckets } ?? 0,
            kept: subwords?.kept?.count)
        let norms = try vectors.norms()

        /// Hands the bytes behind the header to `output`, in their order.
        func content(_ output: ([UInt8]) throws(CheckpointError) -> Void) throws(CheckpointError) {
            var offset = GraftVectorsLayout.headerSize
            func put(_ bytes: [UInt8]) throws(CheckpointError) {
                try output(bytes)
                offset += bytes.count
            }
            func put(_ bytes: BorrowedBytes) throws(CheckpointError) {
                for start in stride(from: 0, to: bytes.count, by: 1 << 22) {
                    try put(unsafe bytes.withBytes(start..<min(bytes.count, start + 1 << 22)) { unsafe Array($0) })
                }
            }
            for (part, range) in layout.ranges.enumerated() where !range.isEmpty {
                try put([UInt8](repeating: 0, count: range.lowerBound - offset))
                switch part {
                case 0:
                    for start in stride(from: 0, to: vectors.ownCount, by: 4096) {
                        try put(bytes(of: rows.copy(start..<min(vectors.ownCount, start + 4096)).values))
                    }
                case 1:
                    for row in 0..<layout.bucketRows {
                        var values = [Float](repeating: 0, count: layout.dimension)
                        subwords?.rows.add([Int32((subwords?.firstRow ?? 0) + row)], to: &values)
                        try put(bytes(of: values))
                    }
                case 2: try put(bytes(of: norms))
                case 3: if let counts = vectors.counts { try put(counts) }
                case 4: try put(vectors.words.ends)
                case 5: try put(vectors.words.compactSlots)
                case 6:
                    try put((subwords?.kept ?? []).flatMap { littleEndianBytes($0.bucket) + littleEndianBytes($0.row) })
                case 7: try put(BorrowedBytes(vectors.shared))
                default: try put(vectors.words.text)
                }
            }
        }
        var fingerprint = Fingerprint()
        try readingVectors { () throws(CheckpointError) in
            try content { fingerprint.add($0) }
            let file = try AtomicFile(path)
            try file.write(layout.header(digest: fingerprint.bytes))
            try content { bytes throws(CheckpointError) in try file.write(bytes) }
            try file.commit()
        }
    }

    private static func bytes(of values: [Float]) -> [UInt8] { unsafe values.withUnsafeBytes { unsafe Array($0) } }
}
