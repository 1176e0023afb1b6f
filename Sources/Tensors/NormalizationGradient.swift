extension Tensor.NormalizedRows {
    /// The gradients of `LayerNorm(residual + dropout(x))` in one pass over the memory.
    public struct Gradients: Sendable {
        /// Of the sum, and so of the residual, `[rows, columns]`.
        public let sum: Tensor
        /// Of `x`; the same where nothing was dropped.
        public let input: Tensor
        /// Of the normalization's weight and bias, `[columns]` each.
        public let weight: Tensor
        public let bias: Tensor
    }

    /// Rows whose part of the gradients of weight and bias is summed at once. It does not depend on the threads.
    private static let rowsPerBlock = 32

    /// From the gradient of the output: with `ĝ = gradient·weight`, the sum's is
    /// `(ĝ - mean(ĝ) - x̂·mean(ĝ·x̂)) / standard deviation`, without `mean(ĝ)` where the rows were not centered.
    public func gradients(_ gradient: Tensor, weight: Tensor, dropping mask: DropoutMask?) -> Gradients {
        let (rows, columns) = (gradient.rows, gradient.columns)
        precondition(
            gradient.shape == normalized.shape && weight.count == columns, "\(gradient.shape), \(weight.shape)")
        let blocks = (rows + Self.rowsPerBlock - 1) / Self.rowsPerBlock
        var sums = Tensor.uninitialized(gradient.shape)
        var inputs = mask == nil ? Tensor.zeros([0, columns]) : Tensor.uninitialized(gradient.shape)
        // Of every block, what it adds to the gradients of the weight and of the bias.
        var parts = Tensor.zeros([blocks, 2 * columns])
        unsafe gradient.values.withUnsafeBufferPointer { gradient in
            unsafe normalized.values.withUnsafeBufferPointer { normalized in
                unsafe weight.values.withUnsafeBufferPointer { weight in
                    unsafe sums.withUnsafeMutableValues { sums in
                        unsafe inputs.withUnsafeMutableValues { inputs in
                            unsafe parts.withUnsafeMutableValues { parts in
                                ThreadPool.shared.run(blocks) { block in
                                    let part = unsafe UnsafeMutableBufferPointer(
                                        rebasing: parts[2 * columns * block..<2 * columns * (block + 1)])
                                    let first = block * Self.rowsPerBlock
                                    for row in first..<min(rows, first + Self.rowsPerBlock) {
                                        let range = row * columns..<(row + 1) * columns
                                        let sum = unsafe UnsafeMutableBufferPointer(rebasing: sums[range])
                                        unsafe backpropagate(
                                            UnsafeBufferPointer(rebasing: gradient[range]),
                                            UnsafeBufferPointer(rebasing: normalized[range]), weight,
                                            inverseDeviation: inverseDeviation.values[row], isCentered: isCentered,
                                            into: sum, adding: part)
                                        guard let mask else { continue }
                                        let input = unsafe UnsafeMutableBufferPointer(rebasing: inputs[range])
                                        _ = unsafe input.update(fromContentsOf: sum)
                                        unsafe mask.apply(to: input, from: range.lowerBound)
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        var total = Tensor.zeros([2 * columns])
        total.addSumOfRows(parts)
        return Gradients(
            sum: sums, input: mask == nil ? sums : inputs, weight: Tensor([columns], Array(total.values[..<columns])),
            bias: Tensor([columns], Array(total.values[columns...])))
    }
}

/// One row of it.
///
/// - Parameter total: the gradients of the weight and, behind it, of the bias.
@unsafe @inline(__always)
private func backpropagate(
    _ gradient: UnsafeBufferPointer<Float>, _ normalized: UnsafeBufferPointer<Float>,
    _ weight: UnsafeBufferPointer<Float>, inverseDeviation: Float, isCentered: Bool,
    into result: UnsafeMutableBufferPointer<Float>, adding total: UnsafeMutableBufferPointer<Float>
) {
    let columns = gradient.count
    let biasTotal = unsafe UnsafeMutableBufferPointer(rebasing: total[columns...])
    for i in 0..<columns {
        unsafe total[i] += gradient[i] * normalized[i]
        unsafe biasTotal[i] += gradient[i]
        unsafe result[i] = gradient[i] * weight[i]
    }
    let scaled = UnsafeBufferPointer(result)
    let mean = unsafe isCentered ? sum(scaled) / Float(columns) : 0
    let projection = unsafe dot(scaled, normalized) / Float(columns)
    for i in 0..<columns {
        unsafe result[i] = (result[i] - mean - normalized[i] * projection) * inverseDeviation
    }
}
