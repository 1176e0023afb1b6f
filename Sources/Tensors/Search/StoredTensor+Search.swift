/// How a scan is shared: queries that pass over the rows together, rows of a thread's part, and of them those that stay
/// in the cache while queries go by. Results do not depend on them.
package struct ScanBlocks: Sendable {
    package var queries = 128
    package var rows = 4096
    package var cachedRows = 64
    /// Blocks of rows that are scanned before it is known how good a row of the others must be.
    package var firstBlocks = 8
    /// Bytes of what blocks keep, at most, until it comes together; not of fewer blocks than the first ones.
    package var keptBytes = 128 << 20

    package init() {}
}

extension StoredTensor {
    /// The `count` best rows for every query, the best first; of equal scores the lower row first.
    ///
    /// - Parameters:
    ///   - queries: `[queries, columns]`
    ///   - threshold: the least score.
    package func nearest(
        to queries: Tensor, count: Int, by score: RowScore, atLeast threshold: Float = -.infinity,
        blocks: ScanBlocks = ScanBlocks()
    ) -> [[RankedRow]] {
        if count == 0 { return [[RankedRow]](repeating: [], count: queries.rows) }
        return scan(queries, score, blocks, keeping: count) { BestRows(min(count, rows), atLeast: threshold) }
            .map(\.sorted)
    }

    /// All rows with a score of at least `threshold` for every query, the best first.
    package func rows(
        near queries: Tensor, atLeast threshold: Float, by score: RowScore, blocks: ScanBlocks = ScanBlocks()
    ) -> [[RankedRow]] {
        scan(queries, score, blocks) { RowsAtLeast(threshold) }.map(\.sorted)
    }

    /// How many rows have a score of at least `threshold`, for every query.
    package func rowCounts(
        near queries: Tensor, atLeast threshold: Float, by score: RowScore, blocks: ScanBlocks = ScanBlocks()
    ) -> [Int] {
        scan(queries, score, blocks) { CountAtLeast(threshold) }.map(\.count)
    }

    private func scan<Collector: RowCollector>(
        _ queries: Tensor, _ score: RowScore, _ blocks: ScanBlocks, keeping count: Int = 1,
        _ makeCollector: () -> Collector
    ) -> [Collector] {
        precondition(queries.columns == columns, "queries \(queries.shape) for rows \(shape)")
        let (rows, columns) = (rows, columns)
        return unsafe withValues { values in
            unsafe queries.values.withUnsafeBufferPointer { queryValues in
                unsafe scanning(queries.rows, rows: rows, blocks, keeping: count, makeCollector) {
                    queries, range, output in
                    guard let x = values.baseAddress, let q = queryValues.baseAddress else { return }
                    for query in stride(from: queries.lowerBound, to: queries.upperBound, by: 4) {
                        let queryCount = min(4, queries.upperBound - query)
                        let scores = unsafe output + (query - queries.lowerBound) * range.count
                        for row in stride(from: range.lowerBound, to: range.upperBound, by: 4) {
                            unsafe ScoreTile.compute(
                                score, q + query * columns, queryCount, x + row * columns,
                                min(4, range.upperBound - row), columns: columns, scores + row - range.lowerBound,
                                stride: range.count)
                        }
                    }
                }
            }
        }
    }

    /// The sum of some of the rows, added up in their order, `columns` values.
    package func sum(ofRows rows: ArraySlice<Int32>) -> [Double] {
        precondition(rows.allSatisfy { 0 <= $0 && $0 < self.rows }, "row outside of \(shape)")
        let columns = columns
        return unsafe withValues { values in
            var sums = [Double](repeating: 0, count: columns)
            for row in rows {
                let start = Int(row) * columns
                for column in 0..<columns { unsafe sums[column] += Double(values[start + column]) }
            }
            return sums
        }
    }

    /// The scores of one query with some of the rows, to `scores`, which has room for them.
    package func scores(of query: ArraySlice<Float>, rows: [Int32], by score: RowScore, into scores: inout [Float]) {
        precondition(query.count == columns && scores.count >= rows.count, "\(query.count) values for rows \(shape)")
        unsafe query.withUnsafeBufferPointer { unsafe self.scores(of: $0, rows, score, &scores) }
    }

    /// The scores of one row with some others.
    package func scores(ofRow row: Int32, rows: [Int32], by score: RowScore, into scores: inout [Float]) {
        precondition(scores.count >= rows.count, "\(scores.count) places for \(rows.count) scores")
        unsafe withRow(Int(row)) { unsafe self.scores(of: $0, rows, score, &scores) }
    }

    /// Whether one of some rows is nearer to a row than a score says.
    package func hasRow(in rows: [Int32], nearerTo row: Int32, than limit: Float, by score: RowScore) -> Bool {
        precondition(rows.allSatisfy { 0 <= $0 && $0 < self.rows }, "row outside of \(shape)")
        let columns = columns
        return unsafe withValues { values in
            guard let x = values.baseAddress else { return false }
            let query = unsafe x + Int(row) * columns
            for start in stride(from: 0, to: rows.count, by: 4) {
                func other(_ place: Int) -> UnsafePointer<Float> {
                    unsafe x + Int(rows[min(start + place, rows.count - 1)]) * columns
                }
                let four = unsafe ScoreTile.four(score, query, (other(0), other(1), other(2), other(3)), columns)
                if four.max() > limit { return true }
            }
            return false
        }
    }

    @unsafe
    private func scores(
        of query: UnsafeBufferPointer<Float>, _ rows: [Int32], _ score: RowScore, _ scores: inout [Float]
    ) {
        precondition(rows.allSatisfy { 0 <= $0 && $0 < self.rows }, "row outside of \(shape)")
        let columns = columns
        unsafe withValues { values in
            guard let x = values.baseAddress, let q = query.baseAddress else { return }
            for start in stride(from: 0, to: rows.count, by: 4) {
                func row(_ place: Int) -> UnsafePointer<Float> {
                    unsafe x + Int(rows[min(start + place, rows.count - 1)]) * columns
                }
                let four = unsafe ScoreTile.four(score, q, (row(0), row(1), row(2), row(3)), columns)
                for place in 0..<min(4, rows.count - start) { scores[start + place] = four[place] }
            }
        }
    }
}

/// Passes over rows with many queries: blocks of rows are shared among the threads. The first ones say what the others
/// need not keep.
///
/// - Parameters:
///   - count: how many rows a collector keeps of a block, at most.
///   - score: writes the scores of some queries with some rows, `[queries, rows]`.
/// - Returns: what was collected for each query.
func scanning<Collector: RowCollector>(
    _ queries: Int, rows: Int, _ blocks: ScanBlocks, keeping count: Int, _ makeCollector: () -> Collector,
    score: (_ queries: Range<Int>, _ rows: Range<Int>, UnsafeMutablePointer<Float>) -> Void
) -> [Collector] {
    var results: [Collector] = []
    for first in stride(from: 0, to: queries, by: blocks.queries) {
        let part = first..<min(queries, first + blocks.queries)
        let keptBytes = part.count * min(count, blocks.rows) * MemoryLayout<RankedRow>.size
        let blocksAtOnce = max(blocks.firstBlocks, blocks.keptBytes / keptBytes)
        var found = part.map { _ in makeCollector() }
        var start = 0
        while start < rows {
            let end = min(rows, start + blocks.rows * (start == 0 ? blocks.firstBlocks : blocksAtOnce))
            let before = found
            let parts = parallelMap((end - start + blocks.rows - 1) / blocks.rows) { block in
                let first = start + block * blocks.rows
                return unsafe collecting(part, first..<min(end, first + blocks.rows), blocks, before.map(\.next), score)
            }
            for collectors in parts { for query in found.indices { found[query].merge(collectors[query]) } }
            start = end
        }
        results += found
    }
    return results
}

/// What collectors take of a block of rows.
@unsafe @inline(__always)
private func collecting<Collector: RowCollector>(
    _ queries: Range<Int>, _ rows: Range<Int>, _ blocks: ScanBlocks, _ collectors: [Collector],
    _ score: (_ queries: Range<Int>, _ rows: Range<Int>, UnsafeMutablePointer<Float>) -> Void
) -> [Collector] {
    var collectors = collectors
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: queries.count * blocks.cachedRows) { scores in
        guard let output = scores.baseAddress else { return }
        for start in stride(from: rows.lowerBound, to: rows.upperBound, by: blocks.cachedRows) {
            let range = start..<min(rows.upperBound, start + blocks.cachedRows)
            unsafe score(queries, range, output)
            for query in collectors.indices {
                unsafe collectors[query].add(
                    first: start, UnsafeBufferPointer(start: output + query * range.count, count: range.count))
            }
        }
    }
    return collectors
}
