extension Activations {
    /// Takes over the values of another's rows, and not the form that the next product reads.
    public func copy(_ other: Activations) {
        resize(other.rows)
        unsafe forEachRow(with: other) { values, source in unsafe values.update(from: source, count: columns) }
    }

    /// Becomes rows of one value.
    public func fill(rows: Int, with value: Float) {
        resize(rows)
        unsafe forEachRow { _, values in unsafe values.update(repeating: value, count: columns) }
    }

    /// Adds another's values, times a factor.
    public func add(_ other: Activations, times factor: Float = 1) {
        unsafe forEachRow(with: other) { values, source in
            for i in 0..<columns { unsafe values[i] += factor * source[i] }
        }
    }

    /// Adds every row of another, multiplied by a factor of its own.
    public func add(_ other: Activations, rowsTimes factors: [Float]) {
        precondition(other.rows == rows && other.columns == columns && factors.count == rows, "\(factors.count) rows")
        unsafe forEachRow { row, values in
            let (source, factor) = unsafe (other.values[row], factors[row])
            for i in 0..<columns { unsafe values[i] += factor * source[i] }
        }
    }

    /// The scalar product of every row and its counterpart, `[rows, 1]`.
    public func rowProducts(_ other: Activations) -> Tensor {
        precondition(other.rows == rows && other.columns == columns, "\(other.rows) rows of \(other.columns)")
        var products = Tensor.uninitialized([rows, 1])
        unsafe products.withUnsafeMutableValues { products in
            unsafe forEachRow { row, values in
                unsafe products[row] = dot(
                    UnsafeBufferPointer(start: values, count: columns),
                    UnsafeBufferPointer(start: other.values[row], count: columns))
            }
        }
        return products
    }

    @unsafe @inline(__always)
    private func forEachRow(
        with other: Activations, _ body: (UnsafeMutablePointer<Float>, UnsafePointer<Float>) -> Void
    ) {
        precondition(other.rows == rows && other.columns == columns, "\(other.rows) rows of \(other.columns)")
        unsafe forEachRow { row, values in unsafe body(values, UnsafePointer(other.values[row])) }
    }

    @unsafe @inline(__always)
    private func forEachRow(_ body: (_ row: Int, UnsafeMutablePointer<Float>) -> Void) {
        let (rows, part) = (rows, 64)
        ThreadPool.shared.run((rows + part - 1) / part) { block in
            for row in block * part..<min(rows, (block + 1) * part) { unsafe body(row, values[row]) }
        }
    }
}
