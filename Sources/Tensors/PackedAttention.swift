/// Scaled dot-product attention over packed sequences: every query attends to the keys of its own sequence.
///
/// Source: Vaswani et al. 2017, "Attention Is All You Need", §3.2.
public struct PackedAttention: Sendable {
    /// The rows of each sequence among the queries.
    public let queries: [Range<Int>]
    /// The rows of each sequence among the keys and values.
    public let keys: [Range<Int>]
    public let heads: Int
    public let dropout: DropoutMask?

    /// What the backward pass needs.
    public struct Saved: Sendable {
        /// The softmax of the scores before dropout: for each sequence in turn, `[heads, queries, scoreStride]`.
        let probabilities: Tensor
    }

    public init(queries: [Range<Int>], keys: [Range<Int>], heads: Int, dropout: DropoutMask? = nil) {
        precondition(queries.count == keys.count, "\(queries.count) sequences of queries, \(keys.count) of keys")
        self.queries = queries
        self.keys = keys
        self.heads = heads
        self.dropout = dropout
    }

    /// Where each sequence's scores begin, and behind the last the number of all.
    private var scoreOffsets: [Int] {
        var offsets = [0]
        for (query, key) in zip(queries, keys) {
            offsets.append(offsets[offsets.count - 1] + heads * query.count * scoreStride(key.count))
        }
        return offsets
    }

    /// `softmax(Q·Kᵀ / √headSize)·V` for every head.
    ///
    /// - Parameters: `query` is `[queries, hiddenSize]`, `key` and `value` are `[tokens, hiddenSize]`, the heads side by side
    ///   in each row.
    /// - Returns: the context vectors, `[queries, hiddenSize]`.
    public func forward(_ query: Tensor, _ key: Tensor, _ value: Tensor) -> (context: Tensor, saved: Saved) {
        let hiddenSize = query.columns
        let headSize = hiddenSize / heads
        precondition(headSize * heads == hiddenSize, "\(heads) heads for \(query.shape)")
        let scale = 1 / Float(headSize).squareRoot()
        let offsets = scoreOffsets
        let engine = MatrixEngine.current
        var context = Tensor.uninitialized(query.shape)
        var probabilities = Tensor.uninitialized([offsets[queries.count]])
        unsafe query.values.withUnsafeBufferPointer { query in
            unsafe key.values.withUnsafeBufferPointer { key in
                unsafe value.values.withUnsafeBufferPointer { value in
                    unsafe context.withUnsafeMutableValues { context in
                        unsafe probabilities.withUnsafeMutableValues { probabilities in
                            ThreadPool.shared.run(queries.count) { index in
                                let (rows, length) = (queries[index].count, keys[index].count)
                                if rows == 0 { return }
                                let first = queries[index].lowerBound * hiddenSize
                                let firstKey = keys[index].lowerBound * hiddenSize
                                let width = scoreStride(length)
                                let products = HeadProducts(
                                    queries: rows, keys: length, heads: heads, headSize: headSize)
                                let scores = unsafe UnsafeMutableBufferPointer(
                                    rebasing: probabilities[offsets[index]..<offsets[index + 1]])
                                unsafe engine.compute(
                                    products.scores, query.baseAddress! + first, key.baseAddress! + firstKey,
                                    bias: nil, scores.baseAddress!)
                                for row in 0..<heads * rows {
                                    let part = row * width..<(row + 1) * width
                                    unsafe softmax(
                                        UnsafeMutableBufferPointer(rebasing: scores[part]), count: length, scale: scale)
                                }
                                func weigh(_ weights: UnsafeMutableBufferPointer<Float>) {
                                    unsafe engine.compute(
                                        products.context, UnsafePointer(weights.baseAddress!),
                                        value.baseAddress! + firstKey, bias: nil, context.baseAddress! + first)
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

    /// The gradients of query, key and value, in their shapes, from the gradient of the context, `[queries, hiddenSize]`.
    public func backward(
        _ gradient: Tensor, _ query: Tensor, _ key: Tensor, _ value: Tensor, _ saved: Saved
    ) -> (query: Tensor, key: Tensor, value: Tensor) {
        let hiddenSize = query.columns
        let headSize = hiddenSize / heads
        let scale = 1 / Float(headSize).squareRoot()
        let offsets = scoreOffsets
        let engine = MatrixEngine.current
        var queryGradient = Tensor.uninitialized(query.shape)
        var keyGradient = Tensor.uninitialized(key.shape)
        var valueGradient = Tensor.uninitialized(key.shape)
        unsafe queryGradient.withUnsafeMutableValues { queryGradient in
            unsafe keyGradient.withUnsafeMutableValues { keyGradient in
                unsafe valueGradient.withUnsafeMutableValues { valueGradient in
                    ThreadPool.shared.run(queries.count) { index in
                        let (rows, length) = (queries[index].count, keys[index].count)
                        if rows == 0 { return }
                        let first = queries[index].lowerBound * hiddenSize
                        let firstKey = keys[index].lowerBound * hiddenSize
                        let products = HeadProducts(queries: rows, keys: length, heads: heads, headSize: headSize)
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
                                                valueGradient.baseAddress! + firstKey)
                                            unsafe engine.compute(
                                                products.scores, gradient.baseAddress! + first,
                                                value.baseAddress! + firstKey, bias: nil, scores.baseAddress!)
                                        }
                                    }
                                    unsafe dropout?.apply(to: scores, from: range.lowerBound)
                                    for row in 0..<heads * rows {
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
                                        products.context, scores, key.baseAddress! + firstKey, bias: nil,
                                        queryGradient.baseAddress! + first)
                                }
                                unsafe query.values.withUnsafeBufferPointer { query in
                                    unsafe engine.compute(
                                        products.transposedTimes, scores, query.baseAddress! + first, bias: nil,
                                        keyGradient.baseAddress! + firstKey)
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
    let queries: Int
    let keys: Int
    let heads: Int
    let headSize: Int

    private var rows: MatrixLayout { MatrixLayout(batchStride: headSize, rowStride: heads * headSize) }
    private var square: MatrixLayout {
        MatrixLayout(batchStride: queries * scoreStride(keys), rowStride: scoreStride(keys))
    }

    /// `X·Yᵀ`, `[queries, headSize]` and `[keys, headSize]`, into `[queries, keys]`
    var scores: MatrixProduct {
        var transposed = rows
        swap(&transposed.rowStride, &transposed.columnStride)
        return MatrixProduct(
            batch: heads, rows: queries, columns: keys, depth: headSize, a: rows, b: transposed, c: square)
    }

    /// `P·X`, `[queries, keys]` and `[keys, headSize]`, into `[queries, headSize]`
    var context: MatrixProduct {
        MatrixProduct(batch: heads, rows: queries, columns: headSize, depth: keys, a: square, b: rows, c: rows)
    }

    /// `Pᵀ·X`, `[queries, keys]` and `[queries, headSize]`, into `[keys, headSize]`
    var transposedTimes: MatrixProduct {
        var transposed = square
        swap(&transposed.rowStride, &transposed.columnStride)
        return MatrixProduct(
            batch: heads, rows: keys, columns: headSize, depth: queries, a: transposed, b: rows, c: rows)
    }
}
