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
        var inputGradient = gradient
        inputGradient.backpropagate(through: normalized, weight: weight)
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
}
