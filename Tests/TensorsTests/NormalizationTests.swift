import Tensors
import Testing

@Suite("Normalization")
struct NormalizationTests {
    private func random(_ shape: Shape, seed: UInt64) -> Tensor {
        RandomSource(seed: seed).normalTensor(shape, standardDeviation: 1)
    }

    @Test("a normalized sum is the same, bit for bit, as dropout, sum and normalization one after the other")
    func forward() {
        let shape: Shape = [37, 48]
        let (x, residual) = (random(shape, seed: 1), random(shape, seed: 2))
        let (weight, bias) = (random([48], seed: 3), random([48], seed: 4))
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
        return zip(output.values, random(output.shape, seed: 9).values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    @Test("gradients agree with central differences, over more than one block of rows")
    func gradients() {
        let shape: Shape = [35, 16]
        let (x, residual) = (random(shape, seed: 1), random(shape, seed: 2))
        let (weight, bias) = (random([16], seed: 3), random([16], seed: 4))
        let mask = DropoutMask(probability: 0.3, random: RandomSource(seed: 5))
        let (_, rows) = x.normalizedSum(with: residual, dropping: mask, epsilon: 1e-6, weight: weight, bias: bias)
        let gradients = rows.gradients(random(shape, seed: 9), weight: weight, dropping: mask)
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
