import Tensors
import TestSupport
import Testing

@Suite("Normalization")
struct NormalizationTests {
    private let random = RandomSource(seed: 12)

    /// `weight·(x - mean)/√(variance + ε) + bias`, or without centering `weight·x/√(mean(x²) + ε) + bias`.
    private func exact(_ x: [Double], _ weight: [Double], _ bias: [Double], _ epsilon: Double, _ isCentered: Bool)
        -> [Double]
    {
        let mean = isCentered ? x.reduce(0, +) / Double(x.count) : 0
        let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count)
        return x.indices.map { (x[$0] - mean) / (variance + epsilon).squareRoot() * weight[$0] + bias[$0] }
    }

    @Test("a row's root mean square, worked by hand")
    func worked() {
        // The mean of 9, 1, 1, 25 is 9.
        let rows = Tensor([1, 4], [3, -1, 1, 5]).normalizedRows(epsilon: 0, isCentered: false)
        #expect(rows.normalized.largestDifference(from: Tensor([1, 4], [1, -1.0 / 3, 1.0 / 3, 5.0 / 3])) < 1e-6)
        #expect(abs(rows.inverseDeviation.values[0] - 1.0 / 3) < 1e-6)
        let scaled = rows.normalized.scaledRows(weight: Tensor([4], [3, 3, 3, 6]), bias: nil)
        #expect(scaled.largestDifference(from: Tensor([1, 4], [3, -1, 1, 10])) < 1e-5)
    }

    @Test("agrees with Double, and its gradient with central differences", arguments: [true, false], [true, false])
    func gradients(isCentered: Bool, hasBias: Bool) {
        let (rows, columns) = (5, 37)
        let epsilon = 1e-3
        var input = random.normalTensor([rows, columns], standardDeviation: 2)
        input += Tensor(repeating: 1, input.shape)
        let weight = random.normalTensor([columns], standardDeviation: 1)
        let bias = hasBias ? random.normalTensor([columns], standardDeviation: 1) : nil
        let normalized = input.normalizedRows(epsilon: Float(epsilon), isCentered: isCentered)
        let output = normalized.normalized.scaledRows(weight: weight, bias: bias)
        let gradient = random.normalTensor([rows, columns], standardDeviation: 1)
        let inputGradient = normalized.gradients(gradient, weight: weight, dropping: nil).sum
        let frozen = Activations(columns: columns, for: .f32)
        frozen.copy(input)
        frozen.normalize(
            frozen, by: FrozenLayerNorm(weight: weight, bias: bias, epsilon: Float(epsilon), isCentered: isCentered))
        #expect(frozen.tensor.largestDifference(from: output) < 1e-5)
        let (w, b) = (
            weight.values.map(Double.init), bias?.values.map(Double.init) ?? [Double](repeating: 0, count: columns)
        )
        for row in 0..<rows {
            let (x, g) = (input.row(row).map(Double.init), gradient.row(row).map(Double.init))
            for (y, z) in zip(output.row(row), exact(x, w, b, epsilon, isCentered)) {
                #expect(abs(Double(y) - z) < 1e-5)
            }
            func loss(_ x: [Double]) -> Double {
                zip(exact(x, w, b, epsilon, isCentered), g).reduce(0) { $0 + $1.0 * $1.1 }
            }
            for (i, y) in inputGradient.row(row).enumerated() {
                var (above, below) = (x, x)
                above[i] += 1e-5
                below[i] -= 1e-5
                #expect(abs(Double(y) - (loss(above) - loss(below)) / 2e-5) < 1e-5)
            }
        }
    }

    private func values(_ shape: Shape, seed: UInt64) -> Tensor {
        RandomSource(seed: seed).normalTensor(shape, standardDeviation: 1)
    }

    @Test("a normalized sum is the same, bit for bit, as dropout, sum and normalization one after the other")
    func forward() {
        let shape: Shape = [37, 48]
        let (x, residual) = (values(shape, seed: 1), values(shape, seed: 2))
        let (weight, bias) = (values([48], seed: 3), values([48], seed: 4))
        for probability: Float in [0, 0.3] {
            let mask = DropoutMask(probability: probability, random: RandomSource(seed: 5))
            var sum = x
            sum.apply(mask)
            sum += residual
            let expected = sum.normalizedRows(epsilon: 1e-6)
            let (output, rows) = x.normalizedSum(
                with: residual, dropping: mask, epsilon: 1e-6, weight: weight, bias: bias)
            #expect(rows.normalized == expected.normalized && rows.inverseDeviation == expected.inverseDeviation)
            #expect(output == expected.normalized.scaledRows(weight: weight, bias: bias))
        }
    }

    /// The loss is the sum of `output·factors`.
    private func loss(_ x: Tensor, _ residual: Tensor, _ mask: DropoutMask?, _ weight: Tensor, _ bias: Tensor) -> Double
    {
        let (output, _) = x.normalizedSum(with: residual, dropping: mask, epsilon: 1e-6, weight: weight, bias: bias)
        return zip(output.values, values(output.shape, seed: 9).values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    @Test("gradients agree with central differences, over more than one block of rows")
    func sumGradients() {
        let shape: Shape = [35, 16]
        let (x, residual) = (values(shape, seed: 1), values(shape, seed: 2))
        let (weight, bias) = (values([16], seed: 3), values([16], seed: 4))
        let mask = DropoutMask(probability: 0.3, random: RandomSource(seed: 5))
        let (_, rows) = x.normalizedSum(with: residual, dropping: mask, epsilon: 1e-6, weight: weight, bias: bias)
        let gradients = rows.gradients(values(shape, seed: 9), weight: weight, dropping: mask)
        func check(_ gradient: Tensor, _ value: Tensor, _ loss: (Tensor) -> Double) {
            for index in stride(from: 0, to: value.count, by: 7) {
                var (above, below) = (value, value)
                above.mutate { $0[index] += 1e-2 }
                below.mutate { $0[index] -= 1e-2 }
                let difference = (loss(above) - loss(below)) / 2e-2
                #expect(
                    abs(difference - Double(gradient.values[index])) < 5e-3 * max(1, abs(difference)), "at \(index)")
            }
        }
        check(gradients.input, x) { loss($0, residual, mask, weight, bias) }
        check(gradients.sum, residual) { loss(x, $0, mask, weight, bias) }
        check(gradients.weight, weight) { loss(x, residual, mask, $0, bias) }
        check(gradients.bias, bias) { loss(x, residual, mask, weight, $0) }
    }
}
