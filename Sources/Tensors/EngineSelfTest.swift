/// A check of the matrix engine against sums in `Double`, and its speed, in one precision.
///
/// The product is `[512, 384]·[384, 1536]`, which an encoder of hidden size 384 computes most often.
package struct EngineSelfTest: Sendable {
    package let precision: Precision
    /// Of sampled values, relative to the sums of their absolute products.
    package let largestError: Double
    /// Whether products of few rows, which threads share by panels of columns, are those that one thread computes whole.
    package let panelsAgree: Bool

    /// What rounding explains: of sums in f32, of factors with eight bits, of factors on 255 steps. The wrong instruction,
    /// layout or sign costs a hundred times as much.
    package var tolerance: Double {
        switch precision {
        case .f32: 1e-5
        case .bf16: 2e-3
        case .int8: 1e-2
        }
    }

    package var passed: Bool { largestError < tolerance && panelsAgree }

    private static let (rows, columns, depth) = (512, 1536, 384)

    /// - Precondition: the precision is available.
    package init(_ precision: Precision) {
        let random = RandomSource(seed: 1)
        let input = random.normalTensor([Self.rows, Self.depth], standardDeviation: 1)
        let weight = random.normalTensor([Self.columns, Self.depth], standardDeviation: 1)
        let linear = Self.linear(weight, precision)
        self.precision = precision
        var largest = Self.error(of: Self.product(input, linear), input, weight)
        // Training multiplies by another form of packed matrix.
        if precision == .f32 {
            largest = max(largest, Self.error(of: matmul(input, PackedMatrix(weight.transposed)), input, weight))
        }
        largestError = largest
        panelsAgree = [1, 8, 13, 40].allSatisfy { rows in
            let few = Tensor([rows, Self.depth], Array(input.values[..<(rows * Self.depth)]))
            let split = Self.product(few, linear)
            // A split inside a split computes whole products.
            var whole = split
            ThreadPool.shared.run(2) { if $0 == 0 { whole = Self.product(few, linear) } }
            return zip(split.values, whole.values).allSatisfy { a, b in
                MatrixEngine.current.hasIndependentRows ? a == b : abs(a - b) < 1e-3
            }
        }
    }

    /// Products whose rate is measured, on all threads.
    package final class Rate {
        private let linear: FrozenLinear
        private let input: Activations
        private let output = Activations(columns: columns, for: .f32)
        private let scratch = ProductScratch()

        /// - Precondition: the precision is available.
        package init(_ precision: Precision) {
            let random = RandomSource(seed: 1)
            linear = EngineSelfTest.linear(random.normalTensor([columns, depth], standardDeviation: 1), precision)
            input = Activations(columns: depth, for: precision)
            input.copy(random.normalTensor([rows, depth], standardDeviation: 1))
        }

        /// The best of several measurements, because other programs only slow it down.
        package func gigaflopsPerSecond() -> Double {
            let repetitions = 8
            var best = Duration.seconds(1000)
            for round in 0..<7 {
                let time = ContinuousClock().measure {
                    for _ in 0..<repetitions { linear.project(input, into: output, scratch) }
                }
                if round > 0 { best = min(best, time) }
            }
            return 2 * Double(rows * columns * depth * repetitions) / (best / .seconds(1)) / 1e9
        }
    }

    private static func linear(_ weight: Tensor, _ precision: Precision) -> FrozenLinear {
        FrozenLinear([StoredTensor(weight)], biases: [.zeros([weight.rows])], precision: precision)
    }

    private static func product(_ input: Tensor, _ linear: FrozenLinear) -> Tensor {
        let rows = Activations(columns: linear.inputSize, for: linear.precision)
        rows.copy(input)
        let output = Activations(columns: linear.outputSize, for: .f32)
        linear.project(rows, into: output, ProductScratch())
        return output.tensor
    }

    /// The largest error of some values of `a·bᵀ`.
    private static func error(of product: Tensor, _ a: Tensor, _ b: Tensor) -> Double {
        var largest = 0.0
        for row in stride(from: 0, to: rows, by: 37) {
            for column in stride(from: 0, to: columns, by: 41) {
                var (sum, size) = (0.0, 0.0)
                for (x, y) in zip(a.row(row), b.row(column)) {
                    sum += Double(x) * Double(y)
                    size += abs(Double(x) * Double(y))
                }
                let error = abs(sum - Double(product.values[row * columns + column])) / size
                // Not a number is no agreement.
                largest = error.isNaN ? .infinity : max(largest, error)
            }
        }
        return largest
    }
}
