import Embeddings
import Tensors
import Testing

@Suite("PoolingMode")
struct PoolingModeTests {
    private let hidden = Tensor([5, 2], [1, 2, 3, 4, 5, 9, 7, 8, -1, -2])

    @Test(
        "every mode gives the vectors worked by hand",
        arguments: [
            (PoolingMode.cls, [1, 2, 7, 8]), (.lastToken, [5, 9, -1, -2]), (.max, [5, 9, 7, 8]),
            (.mean, [3, 5, 3, 3]), (.meanSqrtLenTokens, [9 / 3.0.squareRoot(), 15 / 3.0.squareRoot(), 6 / 2.0.squareRoot(), 6 / 2.0.squareRoot()]),
            (.weightedMean, [22.0 / 6, 37.0 / 6, 5.0 / 3, 4.0 / 3]),
        ])
    func modes(mode: PoolingMode, expected: [Double]) {
        let pooled = mode.pool(hidden, [0..<3, 3..<5])
        #expect(pooled.largestDifference(from: Tensor([2, 2], expected.map { Float($0) })) < 1e-6)
    }
}
