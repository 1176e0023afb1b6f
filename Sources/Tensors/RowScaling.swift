extension Tensor {
    /// `1 / ‖row‖` of every row, `[rows]`.
    public func inverseRowNorms() -> Tensor {
        var norms = Tensor.uninitialized([rows, 1])
        let columns = columns
        unsafe values.withUnsafeBufferPointer { values in
            unsafe norms.forEachRow { row, norm in
                let values = unsafe UnsafeBufferPointer(rebasing: values[row * columns..<(row + 1) * columns])
                unsafe norm[0] = 1 / max(dot(values, values).squareRoot(), 1e-30)
            }
        }
        return norms.reshaped([rows])
    }

    /// Every row multiplied by its own factor.
    ///
    /// - Parameter factors: `[rows]`
    public func scaledEachRow(by factors: Tensor) -> Tensor {
        precondition(factors.count == rows, "\(factors.shape) for the rows of \(shape)")
        var output = self
        unsafe factors.values.withUnsafeBufferPointer { factors in
            unsafe output.forEachRow { row, values in
                for i in values.indices { unsafe values[i] *= factors[row] }
            }
        }
        return output
    }
}
