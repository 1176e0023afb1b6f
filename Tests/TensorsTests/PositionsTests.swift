import Glibc
import JSON
import Tensors
import TestSupport
import Testing

@Suite("RelativeBias")
struct RelativeBiasTests {
    @Test("buckets are those of T5 and MPNet")
    func buckets() throws {
        let expected = try Golden.json(Golden.directory("positions"))
        let cases = try #require(expected["buckets"]?.array)
        #expect(cases.count == 3)
        for it in cases {
            let (count, largest) = (try #require(it["count"]?.integer), try #require(it["maxDistance"]?.integer))
            let values = try #require(it["values"]).integers
            let ours = (-200...200).map { RelativeBias.bucket(of: $0, buckets: count, maxDistance: largest) }
            #expect(ours == values)
        }
        #expect(RelativeBias.bucket(of: 100_000) == 31 && RelativeBias.bucket(of: -100_000) == 15)
    }

    @Test("values stand at their distances, and the gradient of the table is their sum")
    func table() {
        let random = RandomSource(seed: 5)
        let table = random.normalTensor([32, 3], standardDeviation: 1)
        let bias = RelativeBias(buckets: table, reach: 150)
        #expect(bias.heads == 3 && bias.reach == 150 && bias.values.shape == [3, 299])
        for (head, distance) in [(0, 0), (1, 5), (2, -149), (0, 149), (1, -9)] {
            let bucket = RelativeBias.bucket(of: distance)
            #expect(bias.values.values[head * 299 + distance + 149] == table.values[bucket * 3 + head])
        }
        // <values(table), g> = <table, gradient(g)>, and counts of ones are exact.
        let counts = RelativeBias.bucketGradient(Tensor(repeating: 1, [3, 299]), buckets: 32)
        #expect(counts.values.reduce(0, +) == 3 * 299)
        #expect(counts.row(0).allSatisfy { $0 == 1 } && counts.row(15).allSatisfy { $0 == 59 })
        let gradient = random.normalTensor([3, 299], standardDeviation: 1)
        let products = (
            zip(bias.values.values, gradient.values),
            zip(
                table.values, RelativeBias.bucketGradient(gradient, buckets: 32).values)
        )
        let (left, right) = (
            products.0.reduce(0.0) { $0 + Double($1.0 * $1.1) }, products.1.reduce(0.0) { $0 + Double($1.0 * $1.1) }
        )
        #expect(abs(left - right) < 1e-3)
    }

    @Test("slopes of linear biases are those of the paper, and distances count alike in both directions")
    func linear() throws {
        let expected = try #require(try Golden.json(Golden.directory("positions"))["slopes"]?.array)
        #expect(expected.count == 8)
        for slopes in expected.map(\.numbers) {
            let ours = RelativeBias.slopes(slopes.count)
            #expect(zip(ours, slopes).allSatisfy { abs(Double($0) - $1) < 1e-6 * $1 })
        }
        #expect(RelativeBias.slopes(8) == [0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625])
        let bias = RelativeBias(alibi: 2, reach: 3)
        #expect(
            bias.values
                == Tensor(
                    [2, 5], [-0.125, -0.0625, 0, -0.0625, -0.125, -0.0078125, -0.00390625, 0, -0.00390625, -0.0078125]))
    }
}

@Suite("RotaryTable")
struct RotaryTableTests {
    private let random = RandomSource(seed: 6)

    @Test("turns as transformers does, at near and far places")
    func golden() throws {
        let cases = try #require(try Golden.json(Golden.directory("positions"))["rotary"]?.array)
        #expect(cases.count == 4)
        for it in cases {
            let (base, size) = (try #require(it["base"]?.number), try #require(it["size"]?.integer))
            let places = try #require(it["places"]).integers.map { Int32($0) }
            let shape: Shape = [places.count, 2 * size]
            var rows = Tensor(shape, try #require(it["input"]).numbers.map(Float.init))
            let expected = Tensor(shape, try #require(it["output"]).numbers.map(Float.init))
            rows.rotate(by: RotaryTable(positions: 8192, size: size, base: base), at: places, headSize: size)
            #expect(rows.largestDifference(from: expected) < 1e-6, "\(base), \(size)")
        }
    }

    @Test("a head of two columns turns by one radian a place")
    func worked() {
        var rows = Tensor([2, 4], [1, 0, 0, 1, 1, 0, 0, 1])
        rows.rotate(by: RotaryTable(positions: 5, size: 2, base: 10_000), at: [0, 4], headSize: 2)
        let (c, s) = (cosf(4), sinf(4))
        #expect(rows.largestDifference(from: Tensor([2, 4], [1, 0, 0, 1, c, s, -s, c])) < 1e-6)
    }

    @Test("scaled by a factor, the last pair turns slower by all of it, the first by its root for each pair")
    func scaled() {
        var rows = Tensor([1, 4], [1, 1, 0, 0])
        rows.rotate(by: RotaryTable(positions: 33, size: 4, base: 100, ntkFactor: 16), at: [32], headSize: 4)
        // 32 places by 1 / 16^(1/2), and by 100^(-1/2) / 16.
        #expect(rows.largestDifference(from: Tensor([1, 4], [cosf(8), cosf(0.2), sinf(8), sinf(0.2)])) < 1e-6)
    }

    @Test("turning back restores the rows; columns behind the turned ones stay", arguments: [6, 16, 34])
    func inverse(size: Int) {
        let (headSize, heads, tokens) = (40, 3, 500)
        let table = RotaryTable(positions: 300, size: size, base: 10_000)
        let places = (0..<Int32(tokens)).map { $0 * 7 % 300 }
        let input = random.normalTensor([tokens, heads * headSize], standardDeviation: 1)
        var turned = input
        turned.rotate(by: table, at: places, headSize: headSize)
        for head in 0..<heads {
            let rest = head * headSize + size..<(head + 1) * headSize
            #expect(turned.columns(rest) == input.columns(rest))
        }
        #expect(turned.largestDifference(from: input) > 0.5)
        var back = turned
        back.rotate(by: table, at: places, headSize: headSize, inverse: true)
        #expect(back.largestDifference(from: input) < 1e-6)
        // The inverse is the transposed map: <R·x, y> = <x, R⁻¹·y>.
        let y = random.normalTensor(input.shape, standardDeviation: 1)
        var gradient = y
        gradient.rotate(by: table, at: places, headSize: headSize, inverse: true)
        func product(_ a: Tensor, _ b: Tensor) -> Double {
            zip(a.values, b.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        #expect(abs(product(turned, y) - product(input, gradient)) < 1e-2)
    }

    @Test("some columns of a plan's rows turn to the same bits")
    func activations() {
        let (headSize, inner, tokens) = (20, 60, 150)
        let table = RotaryTable(positions: 160, size: headSize, base: 160_000)
        let places = (0..<Int32(tokens)).map { $0 }
        let input = random.normalTensor([tokens, 2 * inner], standardDeviation: 1)
        let rows = Activations(columns: 2 * inner, for: .f32)
        rows.copy(input)
        rows.rotate(0..<inner, by: table, at: places, headSize: headSize)
        var keys = input.columns(0..<inner)
        keys.rotate(by: table, at: places, headSize: headSize)
        #expect(rows.tensor == Tensor(columns: [keys, input.columns(inner..<2 * inner)]))
        // Products of turned rows depend on the distance of their places alone.
        func score(_ a: Int32, _ b: Int32) -> Float {
            var (query, key) = (input.rows(3..<4).columns(0..<20), input.rows(4..<5).columns(0..<20))
            query.rotate(by: table, at: [a], headSize: headSize)
            key.rotate(by: table, at: [b], headSize: headSize)
            return zip(query.values, key.values).reduce(0) { $0 + $1.0 * $1.1 }
        }
        #expect(abs(score(3, 10) - score(130, 137)) < 1e-4)
        #expect(abs(score(3, 10) - score(3, 11)) > 1e-2)
    }
}
