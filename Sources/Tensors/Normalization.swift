extension Tensor {
    /// What the backward pass of `normalizedRows` needs.
    public struct NormalizedRows: Sendable {
        /// `(x - mean) / standard deviation`, `[rows, columns]`
        public let normalized: Tensor
        /// `1 / standard deviation`, `[rows]`
        public let inverseDeviation: Tensor
        /// Whether the mean was taken off. Without, it counts as 0, and the deviation is the root mean square.
        public let isCentered: Bool
    }

    /// Every row brought to mean 0 and variance 1, or without centering to a mean square of 1: `x / √(mean(x²) + ε)`.
    ///
    /// Sources: Ba, Kiros and Hinton 2016, "Layer Normalization", §3; Zhang and Sennrich 2019, "Root Mean Square Layer
    /// Normalization", §4.
    public func normalizedRows(epsilon: Float, isCentered: Bool = true) -> NormalizedRows {
        let columns = columns
        var normalized = Tensor.uninitialized(shape)
        var inverseDeviation = Tensor.uninitialized([rows])
        unsafe values.withUnsafeBufferPointer { input in
            unsafe inverseDeviation.withUnsafeMutableValues { deviations in
                unsafe normalized.forEachRow { row, output in
                    let input = unsafe UnsafeBufferPointer(rebasing: input[row * columns..<(row + 1) * columns])
                    _ = unsafe output.update(fromContentsOf: input)
                    unsafe deviations[row] = normalize(output, epsilon: epsilon, isCentered: isCentered)
                }
            }
        }
        return NormalizedRows(
            normalized: normalized, inverseDeviation: inverseDeviation, isCentered: isCentered)
    }

    /// `x·weight + bias` for every row; `weight` and `bias` are `[columns]`, no bias is zero.
    public func scaledRows(weight: Tensor, bias: Tensor?) -> Tensor {
        let columns = columns
        let bias = bias ?? .zeros([columns])
        precondition(weight.count == columns && bias.count == columns, "\(weight.shape), \(bias.shape) for \(shape)")
        var output = Tensor.uninitialized(shape)
        unsafe values.withUnsafeBufferPointer { input in
            unsafe weight.values.withUnsafeBufferPointer { weight in
                unsafe bias.values.withUnsafeBufferPointer { bias in
                    unsafe output.forEachRow { row, output in
                        let input = unsafe UnsafeBufferPointer(rebasing: input[row * columns..<(row + 1) * columns])
                        for i in 0..<columns { unsafe output[i] = input[i] * weight[i] + bias[i] }
                    }
                }
            }
        }
        return output
    }

    /// `LayerNorm(residual + dropout(self))`, row by row in one pass over the memory.
    ///
    /// - Parameters: `weight` and `bias` are `[columns]`, no bias is zero.
    /// - Returns: what `scaledRows` of `normalizedRows` of the sum gives, and what the backward pass needs.
    public consuming func normalizedSum(
        with residual: Tensor, dropping mask: DropoutMask?, epsilon: Float, isCentered: Bool = true, weight: Tensor,
        bias: Tensor?
    ) -> (output: Tensor, rows: NormalizedRows) {
        let columns = columns
        let bias = bias ?? .zeros([columns])
        precondition(shape == residual.shape, "\(shape) onto \(residual.shape)")
        precondition(weight.count == columns && bias.count == columns, "\(weight.shape), \(bias.shape) for \(shape)")
        var normalized = self
        var output = Tensor.uninitialized(residual.shape)
        var inverseDeviation = Tensor.uninitialized([residual.rows])
        unsafe residual.values.withUnsafeBufferPointer { residual in
            unsafe weight.values.withUnsafeBufferPointer { weight in
                unsafe bias.values.withUnsafeBufferPointer { bias in
                    unsafe output.withUnsafeMutableValues { output in
                        unsafe inverseDeviation.withUnsafeMutableValues { deviations in
                            unsafe normalized.forEachRow { row, values in
                                let start = row * columns
                                unsafe mask?.apply(to: values, from: start)
                                for i in 0..<columns { unsafe values[i] += residual[start + i] }
                                let factor = unsafe normalize(values, epsilon: epsilon, isCentered: isCentered)
                                unsafe deviations[row] = factor
                                let output = unsafe UnsafeMutableBufferPointer(
                                    rebasing: output[start..<start + columns])
                                for i in 0..<columns { unsafe output[i] = values[i] * weight[i] + bias[i] }
                            }
                        }
                    }
                }
            }
        }
        let rows = NormalizedRows(
            normalized: normalized, inverseDeviation: inverseDeviation, isCentered: isCentered)
        return (output, rows)
    }
}

/// Brings a row to mean 0 and variance 1, or to a mean square of 1, and returns `1 / standard deviation`.
@unsafe @inline(__always)
private func normalize(_ values: UnsafeMutableBufferPointer<Float>, epsilon: Float, isCentered: Bool) -> Float {
    if isCentered {
        let mean = unsafe sum(UnsafeBufferPointer(values)) / Float(values.count)
        for i in values.indices { unsafe values[i] -= mean }
    }
    let variance = unsafe dot(UnsafeBufferPointer(values), UnsafeBufferPointer(values)) / Float(values.count)
    let factor = 1 / (variance + epsilon).squareRoot()
    for i in values.indices { unsafe values[i] *= factor }
    return factor
}
