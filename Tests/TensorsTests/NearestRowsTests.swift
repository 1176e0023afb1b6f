import Tensors
import Testing

@Suite("Nearest rows")
struct NearestRowsTests {
    private func normal(_ rows: Int, _ columns: Int, seed: UInt64) -> Tensor {
        RandomSource(seed: seed).normalTensor([rows, columns], standardDeviation: 1)
    }

    private func plain(_ query: ArraySlice<Float>, _ rows: Tensor, _ score: RowScore) -> [RankedRow] {
        (0..<rows.rows).map { row in
            var sum = 0.0
            for (x, y) in zip(query, rows.row(row)) {
                let (x, y) = (Double(x), Double(y))
                sum += score == .dot ? x * y : -(x - y) * (x - y)
            }
            return RankedRow(row: Int32(row), score: Float(sum))
        }.sorted(by: <)
    }

    @Test(
        "the best rows are those of a plain computation", arguments: [1, 15, 16, 37],
        [RowScore.dot, .negativeSquaredDistance])
    func plainly(_ columns: Int, _ score: RowScore) {
        let (rows, queries) = (normal(203, columns, seed: 1), normal(7, columns, seed: 2))
        let found = StoredTensor(rows).nearest(to: queries, count: 9, by: score)
        for (query, best) in found.enumerated() {
            let expected = plain(queries.row(query), rows, score)
            #expect(best.map(\.row) == expected.prefix(9).map(\.row))
            #expect(zip(best, expected).allSatisfy { abs($0.score - $1.score) <= 1e-5 * max(1, abs($1.score)) })
            let threshold = expected[20].score
            let near = StoredTensor(rows).rows(
                near: queries.rows(query..<query + 1), atLeast: threshold - 1e-4, by: score)
            #expect(near[0].prefix(9).elementsEqual(best) && near[0].count >= 21)
        }
    }

    @Test("rows near to a query are as many as are found, in whatever blocks")
    func counts() {
        let (rows, queries) = (normal(203, 17, seed: 1), normal(7, 17, seed: 2))
        let stored = StoredTensor(rows)
        var blocks = ScanBlocks()
        (blocks.queries, blocks.rows, blocks.cachedRows) = (3, 50, 7)
        // The score of a row itself, so that one lies on the threshold.
        let exact = stored.nearest(to: queries, count: 20, by: .dot)[0][19].score
        for threshold in [-Float.infinity, exact, 0, .infinity] {
            let expected = stored.rows(near: queries, atLeast: threshold, by: .dot).map(\.count)
            #expect(stored.rowCounts(near: queries, atLeast: threshold, by: .dot) == expected)
            #expect(stored.rowCounts(near: queries, atLeast: threshold, by: .dot, blocks: blocks) == expected)
            if threshold == exact { #expect(expected[0] == 20) }
        }
        #expect(stored.rowCounts(near: .zeros([0, 17]), atLeast: 0, by: .dot) == [])
        #expect(StoredTensor(.zeros([0, 17])).rowCounts(near: queries, atLeast: 0, by: .dot) == [0, 0, 0, 0, 0, 0, 0])
    }

    @Test("rows are added up in their order, each as often as it is named")
    func sums() {
        let rows = StoredTensor(Tensor([3, 2], [1, 2, 30, 40, 500, 600]))
        #expect(rows.sum(ofRows: [2, 0, 0]) == [502, 604])
        #expect(rows.sum(ofRows: [0, 1, 2][1..<2]) == [30, 40])
        #expect(rows.sum(ofRows: []) == [0, 0])
    }

    @Test(
        "a least score leaves of the best rows those that have it", arguments: [-Float.infinity, -1, 0, 2, .infinity])
    func leastScore(_ threshold: Float) {
        // Whole numbers, so that many scores are equal, some to the threshold.
        var rows = normal(300, 3, seed: 7)
        rows.mutate { values in for i in values.indices { values[i].round() } }
        let (stored, queries) = (StoredTensor(rows), rows.rows(0..<9))
        var blocks = ScanBlocks()
        (blocks.rows, blocks.cachedRows) = (50, 7)
        for count in [1, 8, 300] {
            let expected = stored.nearest(to: queries, count: count, by: .dot).map { best in
                best.filter { $0.score >= threshold }
            }
            #expect(stored.nearest(to: queries, count: count, by: .dot, atLeast: threshold) == expected)
            #expect(stored.nearest(to: queries, count: count, by: .dot, atLeast: threshold, blocks: blocks) == expected)
        }
    }

    @Test(
        "the best rows are the same in whatever order they come, with however many blocks before they come together",
        arguments: [-Float.infinity, 1])
    func rounds(_ threshold: Float) {
        // Whole numbers, rising, falling, and all equal: of equal scores the lower row comes first.
        let rising = (0..<300).map { Float($0 / 4) }
        for values in [rising, rising.reversed(), [Float](repeating: 2, count: 300), rising.map { -$0 }] {
            let (stored, queries) = (StoredTensor(Tensor([300, 1], values)), Tensor([2, 1], [1, -2]))
            for count in [1, 8, 299, 300, 1000] {
                let expected = (0..<2).map { query in
                    Array(
                        plain(queries.row(query), Tensor([300, 1], values), .dot).lazy.filter {
                            $0.score >= threshold
                        }.prefix(count))
                }
                for (first, kept) in [(1, 1), (2, 1000), (8, 128 << 20), (1000, 1)] {
                    var blocks = ScanBlocks()
                    (blocks.rows, blocks.cachedRows, blocks.firstBlocks, blocks.keptBytes) = (3, 2, first, kept)
                    #expect(
                        stored.nearest(to: queries, count: count, by: .dot, atLeast: threshold, blocks: blocks)
                            == expected)
                }
            }
        }
    }

    @Test("blocks, company and threads change no bit; of equal scores the lower row comes first")
    func blocks() {
        var rows = normal(700, 40, seed: 3)
        rows.mutate { values in
            for row in 350..<700 { for i in 0..<40 { values[row * 40 + i] = values[(row - 350) * 40 + i] } }
        }
        let queries = normal(11, 40, seed: 4)
        let stored = StoredTensor(rows)
        for score in [RowScore.dot, .negativeSquaredDistance] {
            let expected = stored.nearest(to: queries, count: 30, by: score)
            #expect(
                expected.allSatisfy { best in (0..<15).allSatisfy { best[2 * $0].row + 350 == best[2 * $0 + 1].row } })
            for (queryBlock, rowBlock, cached) in [(1, 700, 700), (3, 5, 2), (128, 64, 7), (4, 1, 1)] {
                var blocks = ScanBlocks()
                (blocks.queries, blocks.rows, blocks.cachedRows) = (queryBlock, rowBlock, cached)
                #expect(stored.nearest(to: queries, count: 30, by: score, blocks: blocks) == expected)
            }
            for query in 0..<11 {
                #expect(stored.nearest(to: queries.rows(query..<query + 1), count: 30, by: score) == [expected[query]])
                var scores = [Float](repeating: 0, count: 30)
                stored.scores(of: queries.row(query), rows: expected[query].map(\.row), by: score, into: &scores)
                #expect(scores == expected[query].map(\.score))
            }
        }
    }

    @Test("lengths of rows are right at both ends of the range of f32, wherever the rows begin")
    func norms() {
        let rows: [[Float]] = [[3e-30, 4e-30], [3e25, 4e25], [3, 4], [0, 0], [.leastNonzeroMagnitude, 0]]
        let bytes =
            [UInt8(0)]
            + rows.joined().flatMap { value in
                (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
            }
        let stored = StoredRows(columns: 2, BorrowedBytes(bytes), places: rows.indices.map { 1 + 8 * $0 })
        let expected: [Float] = [5e-30, 5e25, 5, 0, .leastNonzeroMagnitude]
        #expect(zip(stored.norms(), expected).allSatisfy { abs($0 - $1) <= 1e-6 * $1 })
        let products = unsafe stored.products(Tensor([1, 2], [1, 1]), rows: 0..<5) { unsafe Array($2) }
        #expect(products[0][0][2] == 7)
    }

    @Test("more rows than there are, none at all, and no query")
    func edges() {
        let rows = StoredTensor(normal(3, 5, seed: 5))
        let queries = normal(2, 5, seed: 6)
        #expect(rows.nearest(to: queries, count: 10, by: .dot).map(\.count) == [3, 3])
        #expect(rows.nearest(to: queries, count: 0, by: .dot) == [[], []])
        #expect(rows.nearest(to: .zeros([0, 5]), count: 2, by: .dot) == [])
        #expect(StoredTensor(.zeros([0, 5])).nearest(to: queries, count: 2, by: .dot) == [[], []])
    }
}
