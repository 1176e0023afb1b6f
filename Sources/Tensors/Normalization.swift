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
                    let mean = unsafe isCentered ? sum(input) / Float(columns) : 0
                    for i in 0..<columns { unsafe output[i] = input[i] - mean }
                    let variance = unsafe dot(UnsafeBufferPointer(output), UnsafeBufferPointer(output)) / Float(columns)
                    let factor = 1 / (variance + epsilon).squareRoot()
                    for i in 0..<columns { unsafe output[i] *= factor }
                    unsafe deviations[row] = factor
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

    /// Turns this gradient of `scaledRows` of `normalizedRows` into the gradient of the original rows.
    ///
    /// With `ĝ = gradient·weight`: `(ĝ - mean(ĝ) - x̂·mean(ĝ·x̂)) / standard deviation`, without `mean(ĝ)` where the rows
    /// were not centered.
    public mutating func backpropagate(through rows: NormalizedRows, weight: Tensor) {
        let (columns, isCentered) = (columns, rows.isCentered)
        precondition(shape == rows.normalized.shape, "gradient \(shape) of \(rows.normalized.shape)")
        unsafe rows.normalized.values.withUnsafeBufferPointer { normalized in
            unsafe rows.inverseDeviation.values.withUnsafeBufferPointer { deviations in
                unsafe weight.values.withUnsafeBufferPointer { weight in
                    unsafe forEachRow { row, gradient in
                        let range = row * columns..<(row + 1) * columns
                        let normalized = unsafe UnsafeBufferPointer(rebasing: normalized[range])
                        for i in 0..<columns { unsafe gradient[i] *= weight[i] }
                        let values = UnsafeBufferPointer(gradient)
                        let mean = unsafe isCentered ? sum(values) / Float(columns) : 0
                        let projection = unsafe dot(values, normalized) / Float(columns)
                        let factor = unsafe deviations[row]
                        for i in 0..<columns {
                            unsafe gradient[i] = (gradient[i] - mean - normalized[i] * projection) * factor
                        }
                    }
                }
            }
        }
    }
}
