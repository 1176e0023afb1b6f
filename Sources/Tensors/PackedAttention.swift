/// Scaled dot-product attention over packed sequences: every row attends within its own sequence.
///
/// Source: Vaswani et al. 2017, "Attention Is All You Need", §3.2.
public struct PackedAttention: Sendable {
    /// The rows of each sequence in the packed tensors.
    public let sequences: [Range<Int>]
    public let heads: Int
    public let dropout: DropoutMask?

    /// What the backward pass needs.
    public struct Saved: Sendable {
        /// The softmax of the scores before dropout: for each sequence in turn, `[heads, length, scoreStride]`.
        let probabilities: Tensor
    }

    public init(sequences: [Range<Int>], heads: Int, dropout: DropoutMask? = nil) {
        self.sequences = sequences
        self.heads = heads
        self.dropout = dropout
    }

    /// Where each sequence's scores begin, and behind the last the number of all.
    private var scoreOffsets: [Int] {
        var offsets = [0]
        for sequence in sequences {
            offsets.append(offsets[offsets.count - 1] + heads * sequence.count * scoreStride(sequence.count))
        }
        return offsets
    }

    /// `softmax(Q·Kᵀ / √headSize)·V` for every head.
    ///
    /// - Parameters: `query`, `key` and `value` are `[tokens, hiddenSize]`, the heads side by side in each row.
    /// - Returns: the context vectors, `[tokens, hiddenSize]`.
    public func forward(_ query: Tensor, _ key: Tensor, _ value: Tensor) -> (context: Tensor, saved: Saved) {
        let hiddenSize = query.columns
        let headSize = hiddenSize / heads
        precondition(headSize * heads == hiddenSize, "\(heads) heads for \(query.shape)")
        let scale = 1 / Float(headSize).squareRoot()
        let offsets = scoreOffsets
        let engine = MatrixEngine.current
        var context = Tensor.uninitialized(query.shape)
        var probabilities = Tensor.uninitialized([offsets[sequences.count]])
        unsafe query.values.withUnsafeBufferPointer { query in
            unsafe key.values.withUnsafeBufferPointer { key in
                unsafe value.values.withUnsafeBufferPointer { value in
                    unsafe context.withUnsafeMutableValues { context in
                        unsafe probabilities.withUnsafeMutableValues { probabilities in
                            ThreadPool.shared.run(sequences.count) { index in
                                let length = sequences[index].count
                                if length == 0 { return }
                                let first = sequences[index].lowerBound * hiddenSize
                                let width = scoreStride(length)
                                let products = HeadProducts(length: length, heads: heads, headSize: headSize)
                                let scores = unsafe UnsafeMutableBufferPointer(
                                    rebasing: probabilities[offsets[index]..<offsets[index + 1]])
                                unsafe engine.compute(
                                    products.scores, query.baseAddress! + first, key.baseAddress! + first,
                                    bias: nil, scores.baseAddress!)
                                for row in 0..<heads * length {
                                    let part = row * width..<(row + 1) * width
                                    unsafe softmax(
                                        UnsafeMutableBufferPointer(rebasing: scores[part]), count: length, scale: scale)
                                }
                                func weigh(_ weights: UnsafeMutableBufferPointer<Float>) {
                                    unsafe engine.compute(
                                        products.context, UnsafePointer(weights.baseAddress!),
                                        value.baseAddress! + first, bias: nil, context.baseAddress! + first)
                                }
                                guard let dropout else { return unsafe weigh(scores) }
                                var kept = unsafe Array(scores)
                                unsafe kept.withUnsafeMutableBufferPointer { kept in
                                    unsafe dropout.apply(to: kept, from: offsets[index])
                                    unsafe weigh(kept)
                                }
                            }
                        }
                    }
                }
            }
        }
        return (context, Saved(probabilities: probabilities))
    }

    /// The gradients of query, key and value from the gradient of the context, all `[tokens, hiddenSize]`.
    public func backward(
        _ gradient: Tensor, _ query: Tensor, _ key: Tensor, _ value: Tensor, _ saved: Saved
    ) -> (query: Tensor, key: Tensor, value: Tensor) {
        let hiddenSize = query.columns
        let headSize = hiddenSize / heads
        let scale = 1 / Float(headSize).squareRoot()
        let offsets = scoreOffsets
        let engine = MatrixEngine.current
        var queryGradient = Tensor.uninitialized(query.shape)
        var keyGradient = Tensor.uninitialized(query.shape)
        var valueGradient = Tensor.uninitialized(query.shape)
        unsafe queryGradient.withUnsafeMutableValues { queryGradient in
            unsafe keyGradient.withUnsafeMutableValues { keyGradient in
                unsafe valueGradient.withUnsafeMutableValues { valueGradient in
                    ThreadPool.shared.run(sequences.count) { index in
                        let length = sequences[index].count
                        if length == 0 { return }
                        let first = sequences[index].lowerBound * hiddenSize
                        let products = HeadProducts(length: length, heads: heads, headSize: headSize)
                        let width = scoreStride(length)
                        let range = offsets[index]..<offsets[index + 1]
                        // The weights that multiplied the values, then the gradient of the scores.
                        var weights = Array(saved.probabilities.values[range])
                        var scoreGradient = unsafe [Float](unsafeUninitializedCapacity: range.count) {
                            $1 = range.count
                        }
                        unsafe weights.withUnsafeMutableBufferPointer { weights in
                            unsafe scoreGradient.withUnsafeMutableBufferPointer { scores in
                                unsafe saved.probabilities.values.withUnsafeBufferPointer { probabilities in
                                    unsafe gradient.values.withUnsafeBufferPointer { gradient in
                                        unsafe value.values.withUnsafeBufferPointer { value in
                                            unsafe dropout?.apply(to: weights, from: range.lowerBound)
                                            unsafe engine.compute(
                                                products.transposedTimes, UnsafePointer(weights.baseAddress!),
                                                gradient.baseAddress! + first, bias: nil,
                                                valueGradient.baseAddress! + first)
                                            unsafe engine.compute(
                                                products.scores, gradient.baseAddress! + first,
                                                value.baseAddress! + first, bias: nil, scores.baseAddress!)
                                        }
                                    }
                                    unsafe dropout?.apply(to: scores, from: range.lowerBound)
                                    for row in 0..<heads * length {
                                        let part = row * width..<(row + 1) * width
                                        for i in part.lowerBound + length..<part.upperBound { unsafe scores[i] = 0 }
                                        let all =
                                            range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound
                                        unsafe softmaxBackward(
                                            UnsafeMutableBufferPointer(rebasing: scores[part]),
                                            probabilities: UnsafeBufferPointer(rebasing: probabilities[all]),
                                            scale: scale)
                                    }
                                }
                                let scores = unsafe UnsafePointer(scores.baseAddress!)
                                unsafe key.values.withUnsafeBufferPointer { key in
                                    unsafe engine.compute(
                                        products.context, scores, key.baseAddress! + first, bias: nil,
                                        queryGradient.baseAddress! + first)
                                }
                                unsafe query.values.withUnsafeBufferPointer { query in
                                    unsafe engine.compute(
                                        products.transposedTimes, scores, query.baseAddress! + first, bias: nil,
                                        keyGradient.baseAddress! + first)
                                }
                            }
                        }
                    }
                }
            }
        }
        return (queryGradient, keyGradient, valueGradient)
    }
}

/// The distance between rows of scores: whole groups of sixteen values, those behind the last score being zero.
private func scoreStride(_ length: Int) -> Int { (length + 15) & ~15 }

/// The products of one sequence, with the heads as their batch. Rows of `[length, hiddenSize]` hold the heads side by
/// side.
private struct HeadProducts {
    let length: Int
    let heads: Int
    let headSize: Int

    private var rows: MatrixLayout { MatrixLayout(batchStride: headSize, rowStride: heads * headSize) }
    private var square: MatrixLayout {
        MatrixLayout(batchStride: length * scoreStride(length), rowStride: scoreStride(length))
    }

    /// `X·Yᵀ`, `[length, headSize]` each, into `[length, length]`
    var scores: MatrixProduct {
        var transposed = rows
        swap(&transposed.rowStride, &transposed.columnStride)
        return MatrixProduct(
            batch: heads, rows: length, columns: length, depth: headSize, a: rows, b: transposed, c: square)
    }

    /// `P·X`, `[length, length]` and `[length, headSize]`, into `[length, headSize]`
    var context: MatrixProduct {
        MatrixProduct(batch: heads, rows: length, columns: headSize, depth: length, a: square, b: rows, c: rows)
    }

    /// `Pᵀ·X`, `[length, length]` and `[length, headSize]`, into `[length, headSize]`
    var transposedTimes: MatrixProduct {
        var transposed = square
        swap(&transposed.rowStride, &transposed.columnStride)
        return MatrixProduct(
            batch: heads, rows: length, columns: headSize, depth: length, a: transposed, b: rows, c: rows)
    }
}
