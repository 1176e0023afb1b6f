import Embeddings
import Tensors
import Testing

@Suite("PoolingMode")
struct PoolingModeTests {
    private let hidden = Tensor([5, 2], [1, 2, 3, 4, 5, 9, 7, 8, -1, -2])

    private static let (third, half) = (1 / 3.0.squareRoot(), 1 / 2.0.squareRoot())

    private static let worked: [(PoolingMode, [Double])] = [
        (.cls, [1, 2, 7, 8]),
        (.lastToken, [5, 9, -1, -2]),
        (.max, [5, 9, 7, 8]),
        (.mean, [3, 5, 3, 3]),
        (.meanSqrtLenTokens, [9 * third, 15 * third, 6 * half, 6 * half]),
        (.weightedMean, [22.0 / 6, 37.0 / 6, 5.0 / 3, 4.0 / 3]),
    ]

    @Test("every mode gives the vectors worked by hand", arguments: worked)
    func modes(mode: PoolingMode, expected: [Double]) {
        let pooled = mode.pool(hidden, [0..<3, 3..<5])
        #expect(pooled.largestDifference(from: Tensor([2, 2], expected.map { Float($0) })) < 1e-6)
    }
}
