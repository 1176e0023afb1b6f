public import Tensors

/// The first few of the directions in which vectors differ the most, in time that grows with the square of their size;
/// `ExactComponents` has all of them and their variances, in time that grows with the cube.
///
/// Source: power iteration with deflation on the covariance, Golub and Van Loan 2013, "Matrix Computations", §8.2.
public struct PrincipalComponents: Sendable {
    public let mean: [Float]
    /// Of length 1, that with the largest variance first.
    public let directions: [[Float]]

    /// - Parameter vectors: `[vectors, size]`
    public init(_ vectors: Tensor, count: Int, seed: UInt64 = 1, iterations: Int = 100) {
        let size = vectors.columns
        var mean = [Double](repeating: 0, count: size)
        for row in 0..<vectors.rows { for (i, value) in vectors.row(row).enumerated() { mean[i] += Double(value) } }
        let means = mean.map { Float($0 / Double(max(1, vectors.rows))) }
        var centred = vectors
        centred.mutate { values in for i in values.indices { values[i] -= means[i % size] } }
        let covariance = matmul(transposed: ProductOperand(centred), ProductOperand(centred))
        let random = RandomSource(seed: seed)
        var found: [[Float]] = []
        while found.count < min(count, size) {
            var direction = random.normalTensor([size], standardDeviation: 1).values
            for _ in 0..<iterations {
                direction = (0..<size).map { row in
                    zip(covariance.row(row), direction).reduce(0) { $0 + $1.0 * $1.1 }
                }
                Self.makeUnit(&direction, orthogonalTo: found)
            }
            // The larger end points upwards, so that the sign is the same everywhere.
            if let largest = direction.max(by: { abs($0) < abs($1) }), largest < 0 { direction = direction.map { -$0 } }
            found.append(direction)
        }
        (self.mean, directions) = (means, found)
    }

    private static func makeUnit(_ direction: inout [Float], orthogonalTo others: [[Float]]) {
        for other in others {
            let share = zip(direction, other).reduce(0) { $0 + $1.0 * $1.1 }
            for i in direction.indices { direction[i] -= share * other[i] }
        }
        let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for i in direction.indices { direction[i] /= max(length, 1e-30) }
    }

    /// The places of vectors along the directions, one list for each vector.
    public func project(_ vectors: Tensor) -> [[Float]] {
        parallelMap(vectors.rows) { row in
            directions.map { direction in
                zip(zip(vectors.row(row), mean), direction).reduce(0) { $0 + ($1.0.0 - $1.0.1) * $1.1 }
            }
        }
    }
}
