extension Tensor {
    /// The scalar product of every row and its counterpart, one for each row.
    public func rowProducts(_ other: Tensor) -> [Float] {
        precondition(shape == other.shape, "rows of \(shape) and of \(other.shape)")
        var products = Tensor.uninitialized([rows, 1])
        let columns = columns
        unsafe values.withUnsafeBufferPointer { a in
            unsafe other.values.withUnsafeBufferPointer { b in
                unsafe products.forEachRow { row, product in
                    let range = row * columns..<(row + 1) * columns
                    unsafe product[0] = dot(
                        UnsafeBufferPointer(rebasing: a[range]), UnsafeBufferPointer(rebasing: b[range]))
                }
            }
        }
        return products.values
    }

    /// Adds every row of another, multiplied by a factor of its own.
    public mutating func add(_ other: Tensor, rowsTimes factors: [Float]) {
        precondition(
            shape == other.shape && factors.count == rows, "\(factors.count) rows of \(other.shape) to \(shape)")
        let columns = columns
        unsafe other.values.withUnsafeBufferPointer { other in
            unsafe forEachRow { row, values in
                let factor = factors[row]
                for i in 0..<columns { unsafe values[i] += factor * other[row * columns + i] }
            }
        }
    }
}
