import Tensors

/// The directions in which rows vary most, as many as wanted and all of them exact; for the first few `PrincipalComponents`
/// is enough.
///
/// The eigenvectors of the covariance are found by rotating its rows against one another until they are orthogonal: the
/// rows' lengths are then the eigenvalues. Pairs of rows that have none in common are rotated on all threads.
///
/// Sources: Pearson 1901, "On Lines and Planes of Closest Fit"; Hestenes 1958, "Inversion of Matrices by Biorthogonalization
/// and Related Results" (one-sided Jacobi rotations).
struct ExactComponents {
    /// Orthonormal, those of the largest variance first, `[count, columns]`.
    let directions: Tensor
    /// Of each direction.
    let variances: [Double]
    private let mean: [Float]

    /// - Parameters:
    ///   - rows: `[rows, columns]`, two rows at least.
    ///   - count: of directions, at most the columns.
    init(_ rows: Tensor, count: Int) {
        let columns = rows.columns
        precondition(count <= columns && rows.rows > 1, "\(count) directions of \(rows.shape)")
        var sums = [Double](repeating: 0, count: columns)
        for row in 0..<rows.rows { for (i, value) in rows.row(row).enumerated() { sums[i] += Double(value) } }
        mean = sums.map { Float($0 / Double(rows.rows)) }
        let centered = Self.centered(rows, mean)
        let covariance = matmul(transposed: ProductOperand(centered), ProductOperand(centered))
        let share = 1 / Double(rows.rows - 1)
        var matrix = (0..<columns).map { row in covariance.row(row).map { Double($0) * share } }
        Self.orthogonalize(&matrix)
        let lengths = matrix.map { row in row.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        let order = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }.prefix(count)
        variances = order.map { lengths[$0] }
        directions = Tensor(
            [count, columns],
            order.flatMap { row in matrix[row].map { lengths[row] > 0 ? Float($0 / lengths[row]) : 0 } })
    }

    /// The coordinates of rows along the directions, `[rows, count]`.
    func coordinates(_ rows: Tensor) -> Tensor { matmul(Self.centered(rows, mean), directions.transposed) }

    private static func centered(_ rows: Tensor, _ mean: [Float]) -> Tensor {
        var result = rows
        result.mutate { values in
            for i in values.indices { values[i] -= mean[i % mean.count] }
        }
        return result
    }

    private static let largestSweeps = 30

    /// Sweep after sweep, every row meets every other, in the rounds of a tournament.
    private static func orthogonalize(_ rows: inout [[Double]]) {
        // An even number of players: one may have nobody to meet.
        let players = rows.count + rows.count % 2
        for _ in 0..<largestSweeps {
            var largest = 0.0
            for round in 0..<max(1, players - 1) {
                let pairs = (0..<players / 2).map { place -> (Int, Int) in
                    func player(_ place: Int) -> Int { place == 0 ? 0 : (place - 1 + round) % (players - 1) + 1 }
                    return (player(place), player(players - 1 - place))
                }.filter { $0.0 < rows.count && $0.1 < rows.count }
                let rotated = parallelMap(pairs.count) { index in
                    rotation(rows[pairs[index].0], rows[pairs[index].1])
                }
                for (pair, rotation) in zip(pairs, rotated) {
                    guard let rotation else { continue }
                    largest = max(largest, rotation.cosine)
                    (rows[pair.0], rows[pair.1]) = (rotation.first, rotation.second)
                }
            }
            if largest < 1e-10 { return }
        }
    }

    /// Both rows turned in their plane until they are orthogonal; `nil` where they are.
    ///
    /// - Returns: the rows, and the cosine of their angle before.
    private static func rotation(
        _ a: [Double], _ b: [Double]
    ) -> (first: [Double], second: [Double], cosine: Double)? {
        var (aa, bb, ab) = (0.0, 0.0, 0.0)
        for i in a.indices {
            aa += a[i] * a[i]
            bb += b[i] * b[i]
            ab += a[i] * b[i]
        }
        let size = (aa * bb).squareRoot()
        guard size > 0, abs(ab) > 1e-12 * size else { return nil }
        let slope = (bb - aa) / (2 * ab)
        let tangent = (slope >= 0 ? 1 : -1) / (abs(slope) + (1 + slope * slope).squareRoot())
        let cosine = 1 / (1 + tangent * tangent).squareRoot()
        let sine = cosine * tangent
        var (first, second) = (a, b)
        for i in a.indices {
            first[i] = cosine * a[i] - sine * b[i]
            second[i] = sine * a[i] + cosine * b[i]
        }
        return (first, second, abs(ab) / size)
    }
}
