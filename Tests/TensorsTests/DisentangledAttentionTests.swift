import Glibc
import JSON
import Tensors
import TestSupport
import Testing

@Suite("DisentangledPositions")
struct DisentangledAttentionTests {
    @Test("rows of distances are those of DeBERTa")
    func rows() throws {
        let cases = try #require(try Golden.json(Golden.directory("positions"))["distanceRows"]?.array)
        #expect(cases.count == 5)
        for it in cases {
            let rows = DistanceRows(
                span: try #require(it["span"]?.integer), maxDistance: it["maxDistance"]?.integer)
            let values = try #require(it["values"]).integers
            #expect((-600...600).map { rows.row(of: $0) } == values, "\(rows)")
            #expect(rows.rows(reach: 601) == values[0]...values[1200])
        }
    }

    /// Attention over sequences of several lengths, with a table long enough for some of them.
    private struct Case {
        static let (heads, size) = (2, 5)
        let sequences: [Range<Int>]
        let queries: [Range<Int>]
        let distances = DistanceRows(span: 16, maxDistance: 40)
        let reach: Int
        let query, key, value: Tensor
        var keys, positionQueries: Tensor?

        init(_ lengths: [Int], firstOnly: Bool, kinds: Set<String> = ["c2p", "p2c"]) {
            var start = 0
            sequences = lengths.map { length in
                defer { start += length }
                return start..<start + length
            }
            queries = firstOnly ? lengths.indices.map { $0..<$0 + 1 } : sequences
            reach = lengths.max() ?? 1
            let (random, size) = (RandomSource(seed: 3), Self.heads * Self.size)
            query = random.normalTensor([firstOnly ? lengths.count : start, size], standardDeviation: 1)
            key = random.normalTensor([start, size], standardDeviation: 1)
            value = random.normalTensor([start, size], standardDeviation: 1)
            let rows = distances.rows(reach: reach).count
            let tables = (0..<2).map { _ in random.normalTensor([rows, size], standardDeviation: 1) }
            keys = kinds.contains("c2p") ? tables[0] : nil
            positionQueries = kinds.contains("p2c") ? tables[1] : nil
        }

        var positions: DisentangledPositions {
            DisentangledPositions(keys: keys, queries: positionQueries, distances, reach: reach)
        }

        var attention: PackedAttention {
            PackedAttention(
                queries: queries, keys: sequences, heads: Self.heads, scale: 0.3, positions: positions)
        }

        /// Equation 4 of the paper as it stands, in `Double`.
        func reference(
            query: Tensor, key: Tensor, value: Tensor, keys: Tensor?, positionQueries: Tensor?
        ) -> [Double] {
            let (size, columns) = (Self.size, Self.heads * Self.size)
            let first = distances.rows(reach: reach).lowerBound
            func dot(_ a: Tensor?, _ i: Int, _ b: Tensor?, _ j: Int, _ head: Int) -> Double {
                guard let a, let b else { return 0 }
                return (head * size..<(head + 1) * size).reduce(0) {
                    $0 + Double(a.values[i * columns + $1]) * Double(b.values[j * columns + $1])
                }
            }
            var output = [Double](repeating: 0, count: query.count)
            for (rows, tokens) in zip(queries, sequences) {
                for (place, q) in rows.enumerated() {
                    for head in 0..<Self.heads {
                        let scores = tokens.enumerated().map { other, k in
                            let row = distances.row(of: place - other) - first
                            return 0.3
                                * (dot(query, q, key, k, head) + dot(query, q, keys, row, head)
                                    + dot(key, k, positionQueries, row, head))
                        }
                        let weights = scores.map { exponential($0 - scores.max()!) }
                        let sum = weights.reduce(0, +)
                        for (weight, k) in zip(weights, tokens) {
                            for i in head * size..<(head + 1) * size {
                                output[q * columns + i] += weight / sum * Double(value.values[k * columns + i])
                            }
                        }
                    }
                }
            }
            return output
        }

        var expected: [Double] {
            reference(query: query, key: key, value: value, keys: keys, positionQueries: positionQueries)
        }
    }

    static let lengths = [[1, 2, 3, 4, 5], [28, 29, 30, 31, 32, 33], [61, 0, 64, 7, 65], [130]]

    @Test(
        "both kernels compute the paper's equation, at every length around whole tiles", arguments: lengths,
        [false, true])
    func forward(lengths: [Int], firstOnly: Bool) {
        let test = Case(lengths.filter { !firstOnly || $0 > 0 }, firstOnly: firstOnly)
        let expected = Tensor(test.query.shape, test.expected.map { Float($0) })
        let context = test.attention.forward(test.query, test.key, test.value).context
        #expect(context.relativeDifference(from: expected) < 1e-5)

        let (query, keyValue, output) = (
            Activations(columns: test.query.columns, for: .f32),
            Activations(columns: 2 * test.key.columns, for: .f32), Activations(columns: test.query.columns, for: .f32)
        )
        query.copy(test.query)
        keyValue.copy(Tensor(columns: [test.key, test.value]))
        FusedAttention.attend(
            query, keyValue, queries: test.queries, keys: test.sequences, heads: Case.heads, scale: 0.3,
            positions: test.positions, into: output)
        #expect(output.tensor.relativeDifference(from: expected) < 1e-5)
    }

    @Test(
        "gradients of all that attention reads equal central differences",
        arguments: [["c2p", "p2c"], ["c2p"], ["p2c"]], [false, true])
    func gradients(kinds: Set<String>, firstOnly: Bool) throws {
        let test = Case([3, 1, 45, 34], firstOnly: firstOnly, kinds: kinds)
        let weights = RandomSource(seed: 8).normalTensor(test.query.shape, standardDeviation: 1)
        let saved = test.attention.forward(test.query, test.key, test.value).saved
        let found = test.attention.backward(weights, test.query, test.key, test.value, saved)
        #expect((found.positionKeys != nil) == kinds.contains("c2p"))
        #expect((found.positionQueries != nil) == kinds.contains("p2c"))
        func check(_ gradient: Tensor, at tensor: Tensor, _ compute: (Tensor) -> [Double]) {
            #expect(gradient.shape == tensor.shape)
            for index in stride(from: 1, to: tensor.count, by: max(1, tensor.count / 9)) {
                func loss(_ shift: Float) -> Double {
                    var moved = tensor
                    moved.mutate { $0[index] += shift }
                    return zip(compute(moved), weights.values).reduce(0) { $0 + $1.0 * Double($1.1) }
                }
                let numeric = (loss(1e-2) - loss(-1e-2)) / 2e-2
                #expect(abs(Double(gradient.values[index]) - numeric) < 2e-3 * max(1, abs(numeric)))
            }
        }
        let (q, k, v, p, r) = (test.query, test.key, test.value, test.keys, test.positionQueries)
        check(found.query, at: q) { test.reference(query: $0, key: k, value: v, keys: p, positionQueries: r) }
        check(found.key, at: k) { test.reference(query: q, key: $0, value: v, keys: p, positionQueries: r) }
        check(found.value, at: v) { test.reference(query: q, key: k, value: $0, keys: p, positionQueries: r) }
        if let p, let gradient = found.positionKeys {
            check(gradient, at: p) { test.reference(query: q, key: k, value: v, keys: $0, positionQueries: r) }
        }
        if let r, let gradient = found.positionQueries {
            check(gradient, at: r) { test.reference(query: q, key: k, value: v, keys: p, positionQueries: $0) }
        }
    }
}

private func exponential(_ x: Double) -> Double { Glibc.exp(x) }
