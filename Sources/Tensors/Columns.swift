extension Tensor {
    /// Columns `range` of every row as a tensor of their own, `[rows, range.count]`.
    public func columns(_ range: Range<Int>) -> Tensor {
        let columns = columns
        precondition((0...columns).contains(range.lowerBound) && range.upperBound <= columns, "\(range) of \(shape)")
        var output = Tensor.uninitialized([rows, range.count])
        unsafe values.withUnsafeBufferPointer { values in
            unsafe output.forEachRow { row, output in
                let start = row * columns + range.lowerBound
                _ = unsafe output.update(fromContentsOf: values[start..<start + range.count])
            }
        }
        return output
    }

    /// Matrices of equally many rows side by side, `[rows, sum of columns]`.
    public init(columns parts: [Tensor]) {
        let rows = parts.first?.rows ?? 0
        precondition(parts.allSatisfy { $0.rows == rows }, "side by side: \(parts.map(\.shape))")
        let columns = parts.reduce(0) { $0 + $1.columns }
        var output = Tensor.uninitialized([rows, columns])
        unsafe output.withUnsafeMutableValues { output in
            var first = 0
            for part in parts {
                let width = part.columns
                unsafe part.values.withUnsafeBufferPointer { values in
                    for row in 0..<rows {
                        let start = row * columns + first
                        _ = unsafe UnsafeMutableBufferPointer(rebasing: output[start..<start + width])
                            .update(fromContentsOf: values[row * width..<(row + 1) * width])
                    }
                }
                first += width
            }
        }
        self = output
    }
}
