/// Rows of bytes that stand for vectors, read in place where something else owns them, such as a mapped file.
public struct StoredBytes: Sendable {
    public let rows: Int
    /// Bytes of a row.
    public let columns: Int
    private let storage: BorrowedBytes

    /// - Precondition: `bytes` hold as many rows, unchanged as long as `owner` lives.
    @unsafe
    package init(rows: Int, columns: Int, _ bytes: UnsafeRawPointer, owner: any AnyObject & Sendable) {
        self.rows = rows
        self.columns = columns
        storage = unsafe BorrowedBytes(bytes, count: rows * columns, owner: owner)
    }

    /// The rows with the largest `Σ weight·byte` for every query, bytes being unsigned; the best first.
    ///
    /// - Parameter weights: `columns` for each query.
    package func nearest(toWeights weights: [[Int8]], count: Int, blocks: ScanBlocks = ScanBlocks()) -> [[RankedRow]] {
        unsafe nearest(to: weights, count: count, blocks) { query, row, columns in
            let weights = unsafe UnsafeRawPointer(query).assumingMemoryBound(to: Int8.self)
            var sum: Int32 = 0
            for i in 0..<columns { unsafe sum &+= Int32(row[i]) &* Int32(weights[i]) }
            return Float(sum)
        }
    }

    /// The rows that differ from every query in the fewest bits; a score is their number, below 0.
    ///
    /// - Parameter bits: `columns` bytes for each query.
    package func nearest(toBits bits: [[UInt8]], count: Int, blocks: ScanBlocks = ScanBlocks()) -> [[RankedRow]] {
        unsafe nearest(to: bits, count: count, blocks) { query, row, columns in
            var sum = 0
            let words = columns / 8
            for i in 0..<words {
                let (x, y) = unsafe (
                    query.loadUnaligned(fromByteOffset: 8 * i, as: UInt64.self),
                    UnsafeRawPointer(row).loadUnaligned(fromByteOffset: 8 * i, as: UInt64.self)
                )
                sum &+= (x ^ y).nonzeroBitCount
            }
            for i in 8 * words..<columns {
                unsafe sum &+= (query.load(fromByteOffset: i, as: UInt8.self) ^ row[i]).nonzeroBitCount
            }
            return Float(-sum)
        }
    }

    @unsafe @inline(__always)
    private func nearest<Query: BitwiseCopyable>(
        to queries: [[Query]], count: Int, _ blocks: ScanBlocks,
        _ score: (UnsafeRawPointer, UnsafePointer<UInt8>, _ columns: Int) -> Float
    ) -> [[RankedRow]] {
        if count == 0 { return queries.map { _ in [] } }
        let columns = columns
        precondition(queries.allSatisfy { $0.count == columns }, "queries for rows of \(columns) bytes")
        let rows = unsafe storage.pointer.assumingMemoryBound(to: UInt8.self)
        defer { withExtendedLifetime(storage) {} }
        return unsafe queries.flatMap { $0 }.withUnsafeBytes { all in
            guard let all = all.baseAddress else { return queries.map { _ in [] } }
            return unsafe scanning(
                queries.count, rows: self.rows, blocks, keeping: count, { BestRows(min(count, self.rows)) }
            ) { queries, range, output in
                for (place, row) in range.enumerated() {
                    let bytes = unsafe rows + row * columns
                    for query in queries {
                        unsafe output[(query - queries.lowerBound) * range.count + place] = score(
                            all + query * columns, bytes, columns)
                    }
                }
            }.map(\.sorted)
        }
    }
}
