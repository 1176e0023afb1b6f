/// How a scan is shared: queries that pass over the rows together, rows of a thread's part, and of them those that stay
/// in the cache while queries go by. Results do not depend on them.
package struct ScanBlocks: Sendable {
    package var queries = 128
    package var rows = 4096
    package var cachedRows = 64

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
        return scan(queries, score, blocks) { BestRows(min(count, rows), atLeast: threshold) }.map(\.sorted)
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
        _ queries: Tensor, _ score: RowScore, _ blocks: ScanBlocks, _ makeCollector: () -> Collector
    ) -> [Collector] {
        precondition(queries.columns == columns, "queries \(queries.shape) for rows \(shape)")
        let (rows, columns) = (rows, columns)
        return unsafe withValues { values in
            unsafe queries.values.withUnsafeBufferPointer { queryValues in
                unsafe scanning(queries.rows, rows: rows, blocks, makeCollector) { queries, range, output in
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

/// Passes over rows with many queries: blocks of rows are shared among the threads.
///
/// - Parameter score: writes the scores of some queries with some rows, `[queries, rows]`.
/// - Returns: what was collected for each query.
func scanning<Collector: RowCollector>(
    _ queries: Int, rows: Int, _ blocks: ScanBlocks, _ makeCollector: () -> Collector,
    score: (_ queries: Range<Int>, _ rows: Range<Int>, UnsafeMutablePointer<Float>) -> Void
) -> [Collector] {
    var results: [Collector] = []
    for first in stride(from: 0, to: queries, by: blocks.queries) {
        let part = first..<min(queries, first + blocks.queries)
        let parts = parallelMap((rows + blocks.rows - 1) / blocks.rows) { block in
            let end = min(rows, (block + 1) * blocks.rows)
            var collectors = part.map { _ in makeCollector() }
            unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: part.count * blocks.cachedRows) { scores in
                guard let output = scores.baseAddress else { return }
                for start in stride(from: block * blocks.rows, to: end, by: blocks.cachedRows) {
                    let range = start..<min(end, start + blocks.cachedRows)
                    unsafe score(part, range, output)
                    for query in collectors.indices {
                        unsafe collectors[query].add(
                            first: start, UnsafeBufferPointer(start: output + query * range.count, count: range.count))
                    }
                }
            }
            return collectors
        }
        for query in part.indices {
            var all = makeCollector()
            for collectors in parts { all.merge(collectors[query - first]) }
            results.append(all)
        }
    }
    return results
}
