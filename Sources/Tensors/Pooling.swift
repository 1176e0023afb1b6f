extension Tensor {
    /// For every range of rows their weighted sum, `[ranges.count, columns]`.
    ///
    /// - Parameter weight: the factor of a row, from its place in its range and the range's length.
    public func weightedSums(of ranges: [Range<Int>], weight: (_ place: Int, _ length: Int) -> Float) -> Tensor {
        unsafe reducedRows(of: ranges) { sum, row, place, length in
            let factor = weight(place, length)
            for i in sum.indices { unsafe sum[i] += factor * row[i] }
        }
    }

    /// For every range of rows the largest value of each column, `[ranges.count, columns]`.
    public func largestValues(of ranges: [Range<Int>]) -> Tensor {
        unsafe reducedRows(of: ranges) { largest, row, place, _ in
            for i in largest.indices { unsafe largest[i] = place == 0 ? row[i] : max(largest[i], row[i]) }
        }
    }

    @unsafe
    private func reducedRows(
        of ranges: [Range<Int>],
        _ combine: (UnsafeMutableBufferPointer<Float>, UnsafeBufferPointer<Float>, Int, Int) -> Void
    ) -> Tensor {
        let columns = columns
        var output = Tensor.zeros([ranges.count, columns])
        unsafe values.withUnsafeBufferPointer { values in
            unsafe output.withUnsafeMutableValues { output in
                for (index, range) in ranges.enumerated() {
                    let result = unsafe UnsafeMutableBufferPointer(
                        rebasing: output[index * columns..<(index + 1) * columns])
                    for (place, row) in range.enumerated() {
                        let source = unsafe UnsafeBufferPointer(rebasing: values[row * columns..<(row + 1) * columns])
                        unsafe combine(result, source, place, range.count)
                    }
                }
            }
        }
        return output
    }

    /// Scales every row to Euclidean length 1 whatever its magnitude; a row of zeros stays.
    package mutating func scaleRowsToLength1() {
        unsafe forEachRow { _, row in
            guard let start = UnsafeRawPointer(row.baseAddress) else { return }
            let length = unsafe length(start, count: row.count)
            if length == 0 { return }
            for i in row.indices { unsafe row[i] = Float(Double(row[i]) / length) }
        }
    }

    /// Scales every row to Euclidean length 1 as models do: a row shorter than 1e-12 is divided by that.
    public mutating func normalizeRows() {
        unsafe forEachRow { _, row in
            let length = unsafe dot(UnsafeBufferPointer(row), UnsafeBufferPointer(row)).squareRoot()
            let factor = 1 / max(length, 1e-12)
            for i in row.indices { unsafe row[i] *= factor }
        }
    }
}
