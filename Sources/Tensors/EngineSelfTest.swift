/// A check of the matrix engine against sums in `Double`, and its speed.
package enum EngineSelfTest {
    package struct Result {
        package let largestError: Double
        package let gigaflopsPerSecond: Double
        /// Rounding of a sum of 384 products stays far below this.
        package var passed: Bool { largestError < 1e-4 }
    }

    package static func run() -> Result {
        let (rows, columns, depth) = (512, 1536, 384)
        let random = RandomSource(seed: 1)
        let a = random.normalTensor([rows, depth], standardDeviation: 1)
        let b = random.normalTensor([columns, depth], standardDeviation: 1)
        let packed = PackedMatrix(b.transposed)
        let product = matmul(a, packed)
        var largest = 0.0
        for row in stride(from: 0, to: rows, by: 37) {
            for column in stride(from: 0, to: columns, by: 41) {
                var (sum, size) = (0.0, 0.0)
                for (x, y) in zip(a.row(row), b.row(column)) {
                    sum += Double(x) * Double(y)
                    size += abs(Double(x) * Double(y))
                }
                largest = max(largest, abs(sum - Double(product.row(row)[row * columns + column])) / size)
            }
        }
        let repetitions = 20
        let clock = ContinuousClock()
        var best = Duration.seconds(1000)
        for _ in 0..<5 {
            best = min(best, clock.measure { for _ in 0..<repetitions { _ = matmul(a, packed) } })
        }
        let work = 2 * Double(rows * columns * depth * repetitions)
        let seconds = Double(best.components.seconds) + Double(best.components.attoseconds) * 1e-18
        return Result(largestError: largest, gigaflopsPerSecond: work / seconds / 1e9)
    }
}
