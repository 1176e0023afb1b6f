import Glibc
import Tensors
import TestSupport
import Testing

@Suite("FrozenLinear")
struct FrozenLinearTests {
    private let random = RandomSource(seed: 3)

    private func activations(_ values: Tensor, for precision: Precision) -> Activations {
        let rows = Activations(columns: values.columns, for: precision)
        let norm = FrozenLayerNorm(
            weight: Tensor(repeating: 1, [values.columns]), bias: .zeros([values.columns]), epsilon: 1e-12)
        rows.embed([StoredTensor(values)], [Array(0..<Int32(values.rows))], normalizedBy: norm)
        return rows
    }

    @Test("agrees with sums in Double", arguments: Precision.available)
    func product(precision: Precision) {
        for (rows, depth, columns) in [(5, 48, 40), (70, 384, 384), (9, 96, 600), (7, 37, 13), (1, 78, 2)] {
            let weight = random.normalTensor([columns, depth], standardDeviation: 0.05)
            let bias = random.normalTensor([columns], standardDeviation: 1)
            let input = activations(random.normalTensor([rows, depth], standardDeviation: 1), for: precision)
            let output = Activations(columns: columns, for: .f32)
            FrozenLinear([StoredTensor(weight)], biases: [bias], precision: precision)
                .project(input, into: output, ProductScratch())
            let (x, y) = (input.tensor, output.tensor)
            var largest = 0.0
            for row in stride(from: 0, to: rows, by: 3) {
                for column in stride(from: 0, to: columns, by: 7) {
                    var sum = Double(bias.values[column])
                    for (a, b) in zip(x.row(row), weight.row(column)) { sum += Double(a) * Double(b) }
                    largest = max(largest, abs(sum - Double(y.values[row * columns + column])))
                }
            }
            // Of sums of about 1 in size.
            let limits: [Precision: Double] = [.f32: 1e-5, .bf16: 2e-2, .int8: 4e-2]
            #expect(largest < limits[precision]!, "\(rows)x\(depth)x\(columns)")
        }
    }

    @Test("few rows are the same bits as many, whatever their number", arguments: Precision.available)
    func fewRows(precision: Precision) {
        let (depth, columns) = (96, 384)
        let linear = FrozenLinear(
            [StoredTensor(random.normalTensor([columns, depth], standardDeviation: 0.05))],
            biases: [random.normalTensor([columns], standardDeviation: 1)], precision: precision, activation: .gelu)
        let values = random.normalTensor([64, depth], standardDeviation: 1)
        func product(_ rows: Range<Int>) -> Tensor {
            let (input, output) = (
                Activations(columns: depth, for: precision), Activations(columns: columns, for: precision)
            )
            input.copy(values.rows(rows))
            linear.project(input, into: output, ProductScratch())
            return output.tensor
        }
        let all = product(0..<64)
        for rows in 1...41 {
            #expect(product(0..<rows).isSameRows(as: all.rows(0..<rows)), "\(rows) rows")
            #expect(parallelMap(2) { _ in product(0..<rows) }[1].isSameRows(as: all.rows(0..<rows)), "\(rows) rows")
        }
    }

    @Test("a deep product onto a residual is the same bits in panels and whole", arguments: Precision.available)
    func panels(precision: Precision) {
        let (depth, columns) = (1536, 768)
        let weight = random.normalTensor([columns, depth], standardDeviation: 0.05)
        let linear = FrozenLinear(
            [StoredTensor(weight)], biases: [random.normalTensor([columns], standardDeviation: 1)],
            precision: precision)
        let norm = FrozenLayerNorm(weight: Tensor(repeating: 1, [columns]), bias: .zeros([columns]), epsilon: 1e-12)
        let values = random.normalTensor([40, depth], standardDeviation: 1)
        let start = random.normalTensor([40, columns], standardDeviation: 1)
        func sum(_ rows: Range<Int>) -> Tensor {
            let input = Activations(columns: depth, for: precision)
            input.copy(values.rows(rows))
            let residual = Activations(columns: columns, for: precision)
            residual.copy(start.rows(rows))
            linear.add(input, to: residual, normalizedBy: norm, ProductScratch())
            return residual.tensor
        }
        // Alone the threads share the columns; inside a split one thread computes them all.
        let split = parallelMap(2) { _ in sum(0..<40) }[0]
        for rows in [0..<1, 0..<13, 0..<40] { #expect(sum(rows).isSameRows(as: split.rows(rows))) }
    }

    @Test("normalizing first leaves the residual as it is and gives the same bits", arguments: Precision.available)
    func normalizedFirst(precision: Precision) {
        for (depth, columns, rows) in [(48, 40, 13), (1536, 768, 40)] {
            let linear = FrozenLinear(
                [StoredTensor(random.normalTensor([columns, depth], standardDeviation: 0.05))],
                biases: [random.normalTensor([columns], standardDeviation: 1)], precision: precision)
            let norm = FrozenLayerNorm(
                weight: random.normalTensor([columns], standardDeviation: 1), bias: nil, epsilon: 1e-6,
                isCentered: false)
            let input = Activations(columns: depth, for: precision)
            input.copy(random.normalTensor([rows, depth], standardDeviation: 1))
            let start = random.normalTensor([rows, columns], standardDeviation: 1)
            let inPlace = Activations(columns: columns, for: precision)
            inPlace.copy(start)
            linear.add(input, to: inPlace, normalizedBy: norm, ProductScratch())
            let (residual, output) = (
                Activations(columns: columns, for: .f32), Activations(columns: columns, for: precision)
            )
            residual.copy(start)
            linear.add(input, to: residual, normalizedBy: norm, into: output, ProductScratch())
            #expect(output.tensor == inPlace.tensor)
            let product = Activations(columns: columns, for: .f32)
            linear.project(input, into: product, ProductScratch())
            #expect(residual.tensor.largestDifference(from: start + product.tensor) < 1e-5)
            // The next product reads the same, whichever way the rows came to be.
            let next = FrozenLinear(
                [StoredTensor(random.normalTensor([24, columns], standardDeviation: 0.05))], precision: precision)
            let results = [output, inPlace, normalized(residual, by: norm, for: precision)].map { rows in
                let result = Activations(columns: 24, for: .f32)
                next.project(rows, into: result, ProductScratch())
                return result.tensor
            }
            #expect(results[0] == results[1] && results[0] == results[2])
        }
    }

    private func normalized(_ rows: Activations, by norm: FrozenLayerNorm?, for precision: Precision) -> Activations {
        let result = Activations(columns: rows.columns, for: precision)
        result.normalize(rows, by: norm)
        return result
    }

    @Test("GELU is as exact as the precision in which it is read", arguments: Precision.available)
    func roughActivation(precision: Precision) {
        // Sixteenths, which every precision but bytes holds, through an identity.
        let count = 257
        let values = Tensor([count, 16], (0..<count * 16).map { $0 % 16 == 0 ? Float($0 / 16 - 128) / 16 : 0 })
        let identity = Tensor([16, 16], (0..<256).map { $0 % 17 == 0 ? 1 : 0 })
        let input = Activations(columns: 16, for: precision == .int8 ? .f32 : precision)
        let output = Activations(columns: 16, for: precision)
        input.copy(values)
        FrozenLinear([StoredTensor(identity)], precision: precision == .int8 ? .f32 : precision, activation: .gelu)
            .project(input, into: output, ProductScratch())
        let expected = values.values.map { x in 0.5 * Double(x) * (1 + erf(Double(x) * 0.5.squareRoot())) }
        let largest = zip(output.tensor.values, expected).reduce(0.0) { max($0, abs(Double($1.0) - $1.1)) }
        #expect(largest < (precision == .f32 ? 1e-6 : 5e-5))
    }

    @Test("a gate multiplies the activated half by the other", arguments: Precision.available)
    func gate(precision: Precision) {
        for (rows, depth, columns) in [(5, 48, 20), (70, 384, 192), (9, 96, 37), (13, 768, 576)] {
            let weights = (0..<2).map { _ in random.normalTensor([columns, depth], standardDeviation: 0.05) }
            let bias = random.normalTensor([columns], standardDeviation: 1)
            let input = Activations(columns: depth, for: precision)
            input.copy(random.normalTensor([rows, depth], standardDeviation: 1))
            let halves = zip(weights, [bias, nil]).map { weight, bias in
                let half = Activations(columns: columns, for: .f32)
                FrozenLinear([StoredTensor(weight)], biases: [bias], precision: precision)
                    .project(input, into: half, ProductScratch())
                return half.tensor
            }
            let linear = FrozenLinear(
                weights.map { StoredTensor($0) }, biases: [bias, nil], precision: precision, activation: .gelu,
                isGated: true)
            #expect(linear.outputSize == columns)
            let output = Activations(columns: columns, for: precision)
            linear.project(input, into: output, ProductScratch())
            let expected = halves[0].gated(by: halves[1], .gelu)
            // Five hundred-thousandths of the activated half, times gates of up to five.
            let limit: Float = precision == .f32 ? 1e-5 : 2.5e-4
            #expect(output.tensor.largestDifference(from: expected) < limit, "\(rows)x\(depth)x\(columns)")
            let split = parallelMap(2) { _ in
                let output = Activations(columns: columns, for: precision)
                linear.project(input, into: output, ProductScratch())
                return output.tensor
            }
            #expect(split[0].isSameRows(as: output.tensor))
        }
    }

    @Test("rows of another are taken over as they are where no normalization is given", arguments: Precision.available)
    func plainRows(precision: Precision) {
        let values = random.normalTensor([70, 33], standardDeviation: 1)
        let rows = Activations(columns: 33, for: .f32)
        rows.embed(
            [StoredTensor(values), StoredTensor(values)], [Array(0..<70), Array((0..<70).reversed())],
            normalizedBy: nil)
        let expected = values + values.gather(Array((0..<70).reversed()))
        #expect(rows.tensor == expected)
        let converted = normalized(rows, by: nil, for: precision)
        let copied = Activations(columns: 33, for: precision)
        copied.copy(expected)
        #expect(converted.tensor == expected)
        let linear = FrozenLinear(
            [StoredTensor(random.normalTensor([7, 33], standardDeviation: 1))], precision: precision)
        let results = [converted, copied].map { rows in
            let result = Activations(columns: 7, for: .f32)
            linear.project(rows, into: result, ProductScratch())
            return result.tensor
        }
        #expect(results[0] == results[1])
    }

    @Test("two matrices side by side are the same as each alone")
    func sideBySide() {
        let weights = (0..<2).map { _ in random.normalTensor([64, 32], standardDeviation: 1) }
        let biases = (0..<2).map { _ in random.normalTensor([64], standardDeviation: 1) }
        let input = activations(random.normalTensor([11, 32], standardDeviation: 1), for: .f32)
        let both = Activations(columns: 128, for: .f32)
        FrozenLinear(weights.map { StoredTensor($0) }, biases: biases, precision: .f32).project(
            input, into: both, ProductScratch())
        for index in 0..<2 {
            let one = Activations(columns: 64, for: .f32)
            FrozenLinear([StoredTensor(weights[index])], biases: [biases[index]], precision: .f32)
                .project(input, into: one, ProductScratch())
            for row in 0..<11 {
                let part = both.tensor.row(row)
                let start = part.startIndex + index * 64
                for (a, b) in zip(part[start..<start + 64], one.tensor.row(row)) { #expect(abs(a - b) < 1e-5) }
            }
        }
    }

    @Test("columns of very different size keep their precision in bytes with factors")
    func factors() throws {
        guard Precision.int8.reasonUnavailable == nil else { return }
        let (depth, columns) = (64, 48)
        var weight = random.normalTensor([columns, depth], standardDeviation: 0.1)
        var values = random.normalTensor([16, depth], standardDeviation: 1)
        // One input is a hundred times as large as the others, and its weights as much smaller.
        values.mutate { for row in 0..<16 { $0[row * depth + 3] = row % 2 == 0 ? 100 : -100 } }
        weight.mutate { for row in 0..<columns { $0[row * depth + 3] /= 100 } }
        let table = Tensor(repeating: 1, [depth])
        let factors = (0..<depth).map { Float($0 == 3 ? 0.01 : 1) }
        func error(_ factors: [Float]?) -> Float {
            let input = Activations(columns: depth, for: .int8)
            let norm = FrozenLayerNorm(weight: table, bias: .zeros([depth]), epsilon: 1e-12, factors: factors)
            input.embed([StoredTensor(values)], [Array(0..<16)], normalizedBy: norm)
            let output = Activations(columns: columns, for: .f32)
            FrozenLinear([StoredTensor(weight)], biases: [.zeros([columns])], precision: .int8, factors: factors)
                .project(input, into: output, ProductScratch())
            return output.tensor.largestDifference(from: matmul(input.tensor, weight.transposed))
        }
        #expect(error(factors) < error(nil) / 3)
    }
}

@Suite("FusedAttention")
struct FusedAttentionTests {
    @Test("agrees in lower precision", arguments: [16, 24, 32, 48, 64])
    func halves(headSize: Int) {
        let random = RandomSource(seed: 4)
        let (heads, size, tokens) = (3, 3 * headSize, 1 + 2 + 13 + 32 + 33 + 96 + 129)
        let sequences = [0..<1, 1..<3, 3..<16, 16..<48, 48..<81, 81..<177, 177..<306]
        let (query, key, value) = (
            random.normalTensor([tokens, size], standardDeviation: 1),
            random.normalTensor([tokens, size], standardDeviation: 1),
            random.normalTensor([tokens, size], standardDeviation: 1)
        )
        let expected = PackedAttention(queries: sequences, keys: sequences, heads: heads).forward(query, key, value)
        let (q, kv) = (Activations(columns: size, for: .f32), Activations(columns: 2 * size, for: .f32))
        q.copy(query)
        kv.copy(
            Tensor([tokens, 2 * size], (0..<tokens).flatMap { row in Array(key.row(row)) + Array(value.row(row)) }))
        for precision in Precision.available {
            let context = Activations(columns: size, for: precision)
            FusedAttention.attend(q, kv, queries: sequences, keys: sequences, heads: heads, into: context)
            let limit: Float = precision == .f32 ? 1e-5 : 2e-2
            #expect(context.tensor.largestDifference(from: expected.context) < limit)
        }
    }

    @Test("weights of scores that lie far apart are zero, in every precision", arguments: Precision.available)
    func distant(precision: Precision) {
        let (size, tokens) = (32, 70)
        // Whole numbers, which bfloat16 holds: scores are exact, hundreds apart, and a few of them equal.
        func rows(_ seed: Int, _ factor: Float) -> Tensor {
            Tensor([tokens, size], (0..<tokens * size).map { Float(($0 &* 7919 &+ seed) / 3 % 9 - 4) * factor })
        }
        let (query, key, value) = (rows(5, 4), rows(11, 1), rows(2, 1))
        let expected = PackedAttention(queries: [0..<tokens], keys: [0..<tokens], heads: 1, scale: 1)
            .forward(query, key, value)
        let (q, kv) = (Activations(columns: size, for: .f32), Activations(columns: 2 * size, for: .f32))
        q.copy(query)
        kv.copy(Tensor(columns: [key, value]))
        let context = Activations(columns: size, for: precision)
        FusedAttention.attend(
            q, kv, queries: [0..<tokens], keys: [0..<tokens], heads: 1, scale: 1, into: context)
        #expect(context.tensor.largestDifference(from: expected.context) < (precision == .f32 ? 1e-5 : 1e-2))
    }

    @Test("agrees with attention that keeps its scores", arguments: [(12, 32), (3, 26), (2, 64), (1, 80)])
    func agreement(heads: Int, headSize: Int) {
        let random = RandomSource(seed: 9)
        let size = heads * headSize
        let sequences = [0..<1, 1..<28, 28..<61, 61..<200]
        let (query, key, value) = (
            random.normalTensor([200, size], standardDeviation: 1),
            random.normalTensor([200, size], standardDeviation: 1),
            random.normalTensor([200, size], standardDeviation: 1)
        )
        let expected = PackedAttention(queries: sequences, keys: sequences, heads: heads).forward(query, key, value)
        let (q, kv) = (Activations(columns: size, for: .f32), Activations(columns: 2 * size, for: .f32))
        q.copy(query)
        kv.copy(
            Tensor([200, 2 * size], (0..<200).flatMap { row in Array(key.row(row)) + Array(value.row(row)) }))
        let context = Activations(columns: size, for: .f32)
        FusedAttention.attend(q, kv, queries: sequences, keys: sequences, heads: heads, into: context)
        #expect(context.tensor.largestDifference(from: expected.context) < 1e-5)
    }
}
