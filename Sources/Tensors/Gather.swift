extension Tensor {
    /// The rows of this table at `indices`, `[indices.count, columns]`.
    ///
    /// - Precondition: every index is a row.
    public func gather(_ indices: [Int32]) -> Tensor {
        let columns = columns
        let rows = rows
        precondition(indices.allSatisfy { (0..<Int32(rows)).contains($0) }, "row outside a table of \(rows)")
        var output = Tensor.uninitialized([indices.count, columns])
        unsafe values.withUnsafeBufferPointer { table in
            unsafe output.forEachRow { row, output in
                let start = Int(indices[row]) * columns
                _ = unsafe output.update(fromContentsOf: table[start..<start + columns])
            }
        }
        return output
    }

    /// Adds each row of `other` to the row of this table that `indices` names.
    public mutating func scatterAdd(_ other: Tensor, at indices: [Int32]) {
        let columns = columns
        let rows = rows
        precondition(other.rows == indices.count && other.columns == columns, "\(other.shape) into \(shape)")
        precondition(indices.allSatisfy { (0..<Int32(rows)).contains($0) }, "row outside a table of \(rows)")
        unsafe other.values.withUnsafeBufferPointer { other in
            unsafe withUnsafeMutableValues { table in
                for (row, index) in indices.enumerated() {
                    let target = unsafe UnsafeMutableBufferPointer(
                        rebasing: table[Int(index) * columns..<(Int(index) + 1) * columns])
                    let source = unsafe UnsafeBufferPointer(rebasing: other[row * columns..<(row + 1) * columns])
                    for i in target.indices { unsafe target[i] += source[i] }
                }
            }
        }
    }

    /// Matrices of equally many columns one below the other, `[sum of rows, columns]`.
    public init(rows parts: [Tensor]) {
        let columns = parts.first?.columns ?? 0
        precondition(parts.allSatisfy { $0.columns == columns }, "one below the other: \(parts.map(\.shape))")
        self.init([parts.reduce(0) { $0 + $1.rows }, columns], parts.flatMap(\.values))
    }
}
