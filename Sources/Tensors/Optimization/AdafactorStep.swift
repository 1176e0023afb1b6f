import Glibc

/// One step of Adafactor on one tensor: of a matrix, the mean squares of the gradient's rows and columns stand for the
/// squares of all its values.
///
/// Source: Shazeer and Stern 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", algorithms 4 and 5,
/// without a first moment, as transformers' `Adafactor` computes it.
public struct AdafactorStep: Sendable {
    /// Of this step, that is where the rate is relative to the tensor's size, multiplied with it.
    public var learningRate: Float
    public var weightDecay: Float
    /// Multiplies every gradient: gradient clipping.
    public var gradientScale: Float
    /// How much of the mean squares is kept: `1 - step^-0.8`.
    private let kept: Float
    private let epsilon: Float = 1e-30
    /// The root of the update's mean square that is let through.
    private let threshold = 1.0

    /// - Parameter step: counts from 1.
    public init(learningRate: Float, weightDecay: Float, gradientScale: Float = 1, step: Int) {
        self.learningRate = learningRate
        self.weightDecay = weightDecay
        self.gradientScale = gradientScale
        kept = Float(1 - pow(Double(step), -0.8))
    }

    /// Updates a matrix.
    ///
    /// - Parameters:
    ///   - rowSquares: of the gradient's rows the mean squares, `[rows]`.
    ///   - columnSquares: of its columns, `[columns]`.
    ///   - gradient: of all rows, or of some; the others are zero.
    public func apply(
        to value: inout Tensor, _ rowSquares: inout Tensor, _ columnSquares: inout Tensor, gradient: SparseRows
    ) {
        precondition(
            gradient.shape == value.shape && rowSquares.count == value.rows && columnSquares.count == value.columns,
            "gradient of \(value.shape)")
        let (rows, columns) = (value.rows, value.columns)
        accumulate(&rowSquares, &columnSquares, gradient, rows: rows)
        let meanOfRows = Float(rowSquares.values.reduce(0.0) { $0 + Double($1) } / Double(rows))
        let rowFactors = rowSquares.values.map { gradientScale / ($0 / meanOfRows).squareRoot() }
        let columnFactors = columnSquares.values.map { 1 / $0.squareRoot() }
        // The gradient's memory becomes the update's.
        var update = gradient.values
        let places = gradient.rows
        unsafe columnFactors.withUnsafeBufferPointer { factors in
            unsafe update.forEachRow { slot, values in
                let factor = rowFactors[Int(places[slot])]
                for i in values.indices { unsafe values[i] *= factor * factors[i] }
            }
        }
        let step = stepSize(of: update, count: value.count)
        decay(&value)
        unsafe update.values.withUnsafeBufferPointer { update in
            unsafe value.withUnsafeMutableValues { value in
                ThreadPool.shared.run(places.count) { slot in
                    let first = Int(places[slot]) * columns
                    let row = unsafe UnsafeMutableBufferPointer(rebasing: value[first..<first + columns])
                    let change = unsafe UnsafeBufferPointer(rebasing: update[slot * columns..<(slot + 1) * columns])
                    for i in row.indices { unsafe row[i] -= step * change[i] }
                }
            }
        }
    }

    /// Updates a vector.
    ///
    /// - Parameter squares: of its shape.
    public func apply(to value: inout Tensor, squares: inout Tensor, gradient: Tensor) {
        precondition(value.shape == gradient.shape && value.shape == squares.shape, "gradient of \(value.shape)")
        var update = gradient
        update.scale(by: gradientScale)
        squares.mutate { squares in
            update.mutate { update in
                for i in update.indices {
                    squares[i] = kept * squares[i] + (1 - kept) * (update[i] * update[i] + epsilon)
                    update[i] /= squares[i].squareRoot()
                }
            }
        }
        update.scale(by: -stepSize(of: update, count: value.count))
        decay(&value)
        value += update
    }

    private func decay(_ value: inout Tensor) {
        if weightDecay != 0 { value.scale(by: Float(1 - Double(learningRate) * Double(weightDecay))) }
    }

    /// The learning rate, smaller where the update is too large.
    private func stepSize(of update: Tensor, count: Int) -> Float {
        let size = (update.sumOfSquares / Double(count)).squareRoot()
        return Float(Double(learningRate) / max(1, size / threshold))
    }

    /// Moves both means towards those of the gradient.
    private func accumulate(
        _ rowSquares: inout Tensor, _ columnSquares: inout Tensor, _ gradient: SparseRows, rows: Int
    ) {
        let columns = gradient.values.columns
        let rowsPerBlock = 256
        let blocks = (gradient.rows.count + rowsPerBlock - 1) / rowsPerBlock
        var sums = [Float](repeating: 0, count: blocks * columns)
        var means = [Float](repeating: 0, count: gradient.rows.count)
        let scale = gradientScale
        unsafe gradient.values.values.withUnsafeBufferPointer { gradient in
            unsafe sums.withUnsafeMutableBufferPointer { sums in
                unsafe means.withUnsafeMutableBufferPointer { means in
                    ThreadPool.shared.run(blocks) { block in
                        let sums = unsafe UnsafeMutableBufferPointer(
                            rebasing: sums[block * columns..<(block + 1) * columns])
                        for slot in block * rowsPerBlock..<min(means.count, (block + 1) * rowsPerBlock) {
                            let row = unsafe UnsafeBufferPointer(
                                rebasing: gradient[slot * columns..<(slot + 1) * columns])
                            unsafe means[slot] = dot(row, row) * scale * scale / Float(columns)
                            for i in row.indices { unsafe sums[i] += row[i] * row[i] }
                        }
                    }
                }
            }
        }
        let (kept, epsilon) = (kept, epsilon)
        rowSquares.mutate { values in
            for row in values.indices { values[row] = kept * values[row] + (1 - kept) * epsilon }
            for (slot, row) in gradient.rows.enumerated() { values[Int(row)] += (1 - kept) * means[slot] }
        }
        columnSquares.mutate { values in
            for column in values.indices {
                var sum = 0.0
                for block in 0..<blocks { sum += Double(sums[block * columns + column]) }
                let mean = Float(sum / Double(rows)) * scale * scale + epsilon
                values[column] = kept * values[column] + (1 - kept) * mean
            }
        }
    }
}

extension SparseRows {
    /// A matrix, all of whose rows may be other than zero.
    public init(allRowsOf matrix: Tensor) {
        self.init(shape: matrix.shape, sorted: (0..<Int32(matrix.rows)).map { $0 }, matrix)
    }
}
