import Glibc
import Tensors
import TestSupport
import Testing

/// Attention of all heads and sequences, written as its definition, in Double.
private struct NaiveAttention {
    var query, key, value: [Double]
    var bias: [Double]
    let queries, keys: [Range<Int>]
    let heads, headSize: Int
    let scale: Double
    let reach: Int
    let window: Int?

    var innerSize: Int { heads * headSize }

    init(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, queries: [Range<Int>], keys: [Range<Int>], heads: Int,
        scale: Float?, bias: RelativeBias?, window: Int?
    ) {
        (self.query, self.key, self.value) = (
            query.values.map(Double.init), key.values.map(Double.init), value.values.map(Double.init)
        )
        (self.queries, self.keys, self.heads, self.window) = (queries, keys, heads, window)
        headSize = query.columns / heads
        self.scale = scale.map(Double.init) ?? 1 / Double(headSize).squareRoot()
        self.bias = bias?.values.values.map(Double.init) ?? []
        reach = bias?.reach ?? 0
    }

    /// The context of one query and head.
    func context(_ sequence: Int, place: Int, _ head: Int) -> [Double] {
        let q = (queries[sequence].lowerBound + place) * innerSize + head * headSize
        let k = keys[sequence].lowerBound * innerSize + head * headSize
        let seen = keys[sequence].indices.map { $0 - keys[sequence].lowerBound }.filter {
            window == nil || abs($0 - place) <= window!
        }
        let scores = seen.map { other in
            let sum = (0..<headSize).reduce(0.0) { $0 + query[q + $1] * key[k + other * innerSize + $1] }
            return scale * sum + (bias.isEmpty ? 0 : bias[head * (2 * reach - 1) + other - place + reach - 1])
        }
        let largest = scores.max()!
        let weights = scores.map { exp($0 - largest) }
        let total = weights.reduce(0, +)
        return (0..<headSize).map { i in
            zip(seen, weights).reduce(0) { $0 + $1.1 * value[k + $1.0 * innerSize + i] } / total
        }
    }

    var context: [Double] {
        var result = [Double](repeating: 0, count: query.count)
        for sequence in queries.indices {
            for (place, row) in queries[sequence].enumerated() {
                for head in 0..<heads {
                    let start = row * innerSize + head * headSize
                    result.replaceSubrange(start..<start + headSize, with: context(sequence, place: place, head))
                }
            }
        }
        return result
    }

    /// `Σ context·gradient` over one sequence and head.
    func loss(_ gradient: [Double], _ sequence: Int, _ head: Int) -> Double {
        queries[sequence].enumerated().reduce(0) { sum, query in
            let start = query.element * innerSize + head * headSize
            return sum
                + zip(context(sequence, place: query.offset, head), gradient[start..<start + headSize])
                .reduce(0) { $0 + $1.0 * $1.1 }
        }
    }

    /// The derivative by one number, which acts on one sequence and head.
    func slope(
        _ gradient: [Double], _ sequence: Int, _ head: Int, _ number: WritableKeyPath<NaiveAttention, Double>
    ) -> Double {
        var (above, below) = (self, self)
        above[keyPath: number] += 1e-5
        below[keyPath: number] -= 1e-5
        return (above.loss(gradient, sequence, head) - below.loss(gradient, sequence, head)) / 2e-5
    }
}

/// What the tests vary.
struct AttentionCase: CustomTestStringConvertible, Sendable {
    var heads: Int
    var headSize: Int
    var lengths: [Int]
    var scale: Float?
    var hasBias = false
    var window: Int?

    var testDescription: String { "\(heads)x\(headSize), \(lengths), \(scale ?? 0), \(hasBias), \(window ?? -1)" }

    var innerSize: Int { heads * headSize }
    var tokens: Int { lengths.reduce(0, +) }
    var sequences: [Range<Int>] {
        lengths.reduce(into: []) { $0.append(($0.last?.upperBound ?? 0)..<($0.last?.upperBound ?? 0) + $1) }
    }

    func bias(_ random: RandomSource) -> RelativeBias? {
        let reach = (lengths.max() ?? 1) + 2
        return hasBias
            ? RelativeBias(values: random.normalTensor([heads, 2 * reach - 1], standardDeviation: 1)) : nil
    }

    func rows(_ random: RandomSource) -> Tensor { random.normalTensor([tokens, innerSize], standardDeviation: 1) }

    static let all = [
        AttentionCase(heads: 2, headSize: 5, lengths: [1, 7, 12]),
        AttentionCase(heads: 3, headSize: 8, lengths: [7, 1, 33], scale: 1, hasBias: true),
        AttentionCase(heads: 2, headSize: 6, lengths: [5, 40], window: 3),
        AttentionCase(heads: 2, headSize: 19, lengths: [9, 2, 67], scale: 0.25, hasBias: true, window: 8),
        AttentionCase(heads: 1, headSize: 16, lengths: [64, 65, 1], hasBias: true, window: 0),
        AttentionCase(heads: 2, headSize: 4, lengths: [150], hasBias: true, window: 31),
        AttentionCase(heads: 2, headSize: 4, lengths: [131], window: 500),
    ]

    static let long = [
        AttentionCase(heads: 3, headSize: 16, lengths: [1, 95, 96, 97, 300], hasBias: true),
        AttentionCase(heads: 2, headSize: 32, lengths: [333, 20, 130], scale: 0.3, hasBias: true, window: 37),
        AttentionCase(heads: 2, headSize: 64, lengths: [257, 64], window: 64),
        AttentionCase(heads: 3, headSize: 26, lengths: [129, 40], window: 5),
        AttentionCase(heads: 5, headSize: 16, lengths: [700], hasBias: true, window: 0),
    ]
}

@Suite("PackedAttention")
struct PackedAttentionTests {
    private let random = RandomSource(seed: 21)

    @Test(
        "agrees with its definition in Double, and its gradients with central differences", arguments: AttentionCase.all
    )
    func definition(_ it: AttentionCase) throws {
        let (query, key, value) = (it.rows(random), it.rows(random), it.rows(random))
        let bias = it.bias(random)
        let attention = PackedAttention(
            queries: it.sequences, keys: it.sequences, heads: it.heads, scale: it.scale, bias: bias, window: it.window)
        let naive = NaiveAttention(
            query, key, value, queries: it.sequences, keys: it.sequences, heads: it.heads, scale: it.scale, bias: bias,
            window: it.window)
        let (context, saved) = attention.forward(query, key, value)
        for (x, y) in zip(context.values, naive.context) { #expect(abs(Double(x) - y) < 1e-5) }

        let gradient = it.rows(random)
        let gradients = attention.backward(gradient, query, key, value, saved, ofBias: it.hasBias)
        let g = gradient.values.map(Double.init)
        for (sequence, rows) in it.sequences.enumerated() {
            for row in rows where row % max(1, rows.count / 11) == 0 || row == rows.upperBound - 1 {
                for column in Swift.stride(from: row % 3, to: it.innerSize, by: 3) {
                    let (i, head) = (row * it.innerSize + column, column / it.headSize)
                    let expected = (
                        naive.slope(g, sequence, head, \.query[i]), naive.slope(g, sequence, head, \.key[i]),
                        naive.slope(g, sequence, head, \.value[i])
                    )
                    #expect(abs(Double(gradients.query.values[i]) - expected.0) < 2e-5, "query \(row), \(column)")
                    #expect(abs(Double(gradients.key.values[i]) - expected.1) < 2e-5, "key \(row), \(column)")
                    #expect(abs(Double(gradients.value.values[i]) - expected.2) < 2e-5, "value \(row), \(column)")
                }
            }
        }
        guard it.hasBias else {
            #expect(gradients.bias == nil)
            return
        }
        let biasGradient = try #require(gradients.bias)
        let width = biasGradient.columns
        for head in 0..<it.heads {
            for column in Swift.stride(from: 0, to: width, by: width / 17 + 1) {
                let i = head * width + column
                let expected = it.sequences.indices.reduce(0) { $0 + naive.slope(g, $1, head, \.bias[i]) }
                #expect(abs(Double(biasGradient.values[i]) - expected) < 5e-5, "bias \(head), \(column)")
            }
        }
        // What is not asked for changes nothing else.
        #expect(attention.backward(gradient, query, key, value, saved).bias == nil)
    }

    @Test("queries that are a sequence's first rows stand at its first places")
    func firstRows() {
        let it = AttentionCase(heads: 2, headSize: 6, lengths: [9, 70, 3], hasBias: true, window: 4)
        let (query, key, value) = (it.rows(random), it.rows(random), it.rows(random))
        let bias = it.bias(random)
        func attention(_ queries: [Range<Int>]) -> PackedAttention {
            PackedAttention(queries: queries, keys: it.sequences, heads: 2, bias: bias, window: it.window)
        }
        let all = attention(it.sequences).forward(query, key, value).context
        let first = query.gather(it.sequences.map { Int32($0.lowerBound) })
        let queries = [0..<1, 1..<2, 2..<3]
        let (context, saved) = attention(queries).forward(first, key, value)
        #expect(context.largestDifference(from: all.gather(it.sequences.map { Int32($0.lowerBound) })) < 1e-6)
        // The gradient is that of all queries, of which only these have one.
        let gradient = random.normalTensor([3, 12], standardDeviation: 1)
        var whole = Tensor.zeros(query.shape)
        whole.scatterAdd(gradient, at: it.sequences.map { Int32($0.lowerBound) })
        let expected = attention(it.sequences).backward(
            whole, query, key, value, attention(it.sequences).forward(query, key, value).saved, ofBias: true)
        let gradients = attention(queries).backward(gradient, first, key, value, saved, ofBias: true)
        #expect(gradients.key.largestDifference(from: expected.key) < 1e-6)
        #expect(gradients.value.largestDifference(from: expected.value) < 1e-6)
        #expect(gradients.bias!.largestDifference(from: expected.bias!) < 1e-6)
    }

    @Test("causal attention sees what a text cut behind each token would")
    func causal() {
        let it = AttentionCase(heads: 2, headSize: 5, lengths: [1, 7, 40])
        let (query, key, value) = (it.rows(random), it.rows(random), it.rows(random))
        let bias = RelativeBias(causal: 2, reach: 40)
        let context = PackedAttention(queries: it.sequences, keys: it.sequences, heads: 2, bias: bias)
            .forward(query, key, value).context
        #expect(context.isFinite)
        for rows in it.sequences {
            for row in rows {
                let seen = [rows.lowerBound..<row + 1]
                let cut = PackedAttention(queries: seen, keys: seen, heads: 2).forward(query, key, value).context
                #expect(context.rows(row..<row + 1).largestDifference(from: cut.rows(row..<row + 1)) < 1e-6)
            }
        }
    }

    @Test("gradients with dropout and a window agree with central differences")
    func dropout() throws {
        let it = AttentionCase(heads: 1, headSize: 4, lengths: [70], hasBias: true, window: 6)
        let (query, key, value) = (it.rows(random), it.rows(random), it.rows(random))
        let bias = try #require(it.bias(random))
        let mask = DropoutMask(probability: 0.3, random: RandomSource(seed: 1))
        func attention(_ bias: RelativeBias) -> PackedAttention {
            PackedAttention(
                queries: it.sequences, keys: it.sequences, heads: 1, bias: bias, window: 6, dropout: mask)
        }
        let gradient = it.rows(random)
        let saved = attention(bias).forward(query, key, value).saved
        let gradients = attention(bias).backward(gradient, query, key, value, saved, ofBias: true)
        func loss(_ query: Tensor, _ bias: RelativeBias) -> Double {
            zip(attention(bias).forward(query, key, value).context.values, gradient.values)
                .reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        func changed(_ tensor: Tensor, _ index: Int, by step: Float) -> Tensor {
            var result = tensor
            result.mutate { $0[index] += step }
            return result
        }
        for i in Swift.stride(from: 0, to: 280, by: 37) {
            let slope =
                (loss(changed(query, i, by: 1e-2), bias) - loss(changed(query, i, by: -1e-2), bias)) / 2e-2
            #expect(abs(slope - Double(gradients.query.values[i])) < 2e-3)
        }
        for i in bias.reach - 8..<bias.reach + 8 {
            let (above, below) = (changed(bias.values, i, by: 1e-2), changed(bias.values, i, by: -1e-2))
            let slope = (loss(query, RelativeBias(values: above)) - loss(query, RelativeBias(values: below))) / 2e-2
            #expect(abs(slope - Double(gradients.bias!.values[i])) < 5e-3)
        }
    }

    @Test("neither the batch nor the threads change a bit", arguments: AttentionCase.all)
    func invariance(_ it: AttentionCase) {
        let (query, key, value, gradient) = (it.rows(random), it.rows(random), it.rows(random), it.rows(random))
        let bias = it.bias(random)
        func both(_ sequences: [Range<Int>], _ rows: [Tensor]) -> (Tensor, PackedAttention.Gradients) {
            let attention = PackedAttention(
                queries: sequences, keys: sequences, heads: it.heads, scale: it.scale, bias: bias, window: it.window)
            let (context, saved) = attention.forward(rows[0], rows[1], rows[2])
            return (context, attention.backward(rows[3], rows[0], rows[1], rows[2], saved, ofBias: it.hasBias))
        }
        let all = [query, key, value, gradient]
        let (context, gradients) = both(it.sequences, all)
        // Inside a split everything runs on one thread.
        let split = parallelMap(2) { _ in both(it.sequences, all) }[0]
        #expect(split.0 == context && split.1.query == gradients.query && split.1.key == gradients.key)
        #expect(split.1.value == gradients.value && split.1.bias == gradients.bias)
        for rows in it.sequences {
            let (alone, aloneGradients) = both([0..<rows.count], all.map { $0.rows(rows) })
            #expect(alone == context.rows(rows) && aloneGradients.query == gradients.query.rows(rows))
            #expect(aloneGradients.key == gradients.key.rows(rows))
            #expect(aloneGradients.value == gradients.value.rows(rows))
        }
    }
}

@Suite("FusedAttention by distance")
struct FusedAttentionByDistanceTests {
    private let random = RandomSource(seed: 22)

    private func activations(_ tensor: Tensor) -> Activations {
        let rows = Activations(columns: tensor.columns, for: .f32)
        rows.copy(tensor)
        return rows
    }

    @Test(
        "agrees with its definition in Double", arguments: Precision.available, AttentionCase.all + AttentionCase.long)
    func definition(precision: Precision, _ it: AttentionCase) {
        let (query, key, value) = (it.rows(random), it.rows(random), it.rows(random))
        let bias = it.bias(random)
        let naive = NaiveAttention(
            query, key, value, queries: it.sequences, keys: it.sequences, heads: it.heads, scale: it.scale, bias: bias,
            window: it.window)
        let context = Activations(columns: it.innerSize, for: precision)
        FusedAttention.attend(
            activations(query), activations(Tensor(columns: [key, value])), queries: it.sequences, keys: it.sequences,
            heads: it.heads, scale: it.scale, bias: bias, window: it.window, into: context)
        let limit = precision == .f32 ? 1e-5 : 3e-2
        let largest = zip(context.tensor.values, naive.context).reduce(0.0) { max($0, abs(Double($1.0) - $1.1)) }
        #expect(largest < limit)
    }

    @Test(
        "neither the batch, nor the threads, nor the queries beside change a bit", arguments: Precision.available,
        AttentionCase.all + AttentionCase.long)
    func invariance(precision: Precision, _ it: AttentionCase) {
        let (query, keyValue) = (it.rows(random), Tensor(columns: [it.rows(random), it.rows(random)]))
        let bias = it.bias(random)
        func context(_ query: Tensor, _ keyValue: Tensor, _ queries: [Range<Int>], _ keys: [Range<Int>]) -> Tensor {
            let context = Activations(columns: it.innerSize, for: precision)
            FusedAttention.attend(
                activations(query), activations(keyValue), queries: queries, keys: keys, heads: it.heads,
                scale: it.scale, bias: bias, window: it.window, into: context)
            return context.tensor
        }
        let all = context(query, keyValue, it.sequences, it.sequences)
        #expect(parallelMap(2) { _ in context(query, keyValue, it.sequences, it.sequences) }[0] == all)
        for rows in it.sequences {
            let alone = [0..<rows.count]
            #expect(context(query.rows(rows), keyValue.rows(rows), alone, alone) == all.rows(rows))
        }
        let places = it.sequences.map { Int32($0.lowerBound) }
        let first = context(query.gather(places), keyValue, places.indices.map { $0..<$0 + 1 }, it.sequences)
        #expect(first == all.gather(places))
    }
}
