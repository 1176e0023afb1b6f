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
        precondition(
            zip(queries, keys).allSatisfy { $0.isEmpty == $1.isEmpty }, "keys without queries, or without keys")
        self.queries = queries
        self.keys = keys
        self.heads = heads
        self.dropout = dropout
    }

    /// Where each sequence's scores begin, and behind the last the number of all.
    private var scoreOffsets: [Int] {
        var offsets = [0]
        for (query, key) in zip(queries, keys) {
            offsets.append(offsets[offsets.count - 1] + heads * query.count * paddedToTiles(key.count))
        }
        return offsets
    }

    /// `softmax(Q·Kᵀ / √headSize)·V` for every head.
    ///
    /// - Parameters: `query` is `[queries, hiddenSize]`, `key` and `value` are `[tokens, hiddenSize]`, the heads side by side
    ///   in each row.
    /// - Returns: the context vectors, `[queries, hiddenSize]`.
    public func forward(_ query: Tensor, _ key: Tensor, _ value: Tensor) -> (context: Tensor, saved: Saved) {
        let headSize = query.columns / heads
        precondition(headSize * heads == query.columns, "\(heads) heads for \(query.shape)")
        precondition(key.shape == value.shape && key.columns == query.columns, "\(query.shape), \(key.shape)")
        precondition(
            queries.allSatisfy { $0.upperBound <= query.rows } && keys.allSatisfy { $0.upperBound <= key.rows },
            "sequences beyond \(query.shape) or \(key.shape)")
        let scale = 1 / Float(headSize).squareRoot()
        let offsets = scoreOffsets
        var context = Tensor.uninitialized(query.shape)
        var probabilities = Tensor.uninitialized([offsets[queries.count]])
        unsafe context.withUnsafeMutableValues { context in
            unsafe probabilities.withUnsafeMutableValues { probabilities in
                unsafe forEachHead(headSize) { head in
                    let (rows, tokens, stride) = (head.queries.count, head.keys.count, paddedToTiles(head.keys.count))
                    let start = offsets[head.sequence] + head.number * rows * stride
                    let scores = unsafe probabilities.baseAddress! + start
                    let q = unsafe head.slice(query, head.queries)
                    let keyColumns = unsafe head.columns(key, head.keys)
                    let v = unsafe head.slice(value, head.keys)
                    unsafe multiply(q, keyColumns, rows: rows, depth: headSize, into: scores, stride)
                    for row in 0..<rows {
                        let part = unsafe UnsafeMutableBufferPointer(start: scores + row * stride, count: stride)
                        unsafe softmax(part, count: tokens, scale: scale)
                    }
                    var weights = unsafe Rows(pointer: UnsafePointer(scores), stride: stride)
                    if let dropout {
                        let kept = unsafe head.scratch(rows * stride)
                        unsafe kept.update(from: scores, count: rows * stride)
                        unsafe dropout.apply(
                            to: UnsafeMutableBufferPointer(start: kept, count: rows * stride), from: start)
                        unsafe weights = Rows(pointer: UnsafePointer(kept), stride: stride)
                    }
                    let sums = unsafe head.scratch(rows * head.paddedSize)
                    unsafe multiply(weights, v, rows: rows, depth: tokens, into: sums, head.paddedSize)
                    unsafe head.write(sums, to: context, head.queries)
                }
            }
        }
        return (context, Saved(probabilities: probabilities))
    }

    /// The gradients of query, key and value, in their shapes, from the gradient of the context, `[queries, hiddenSize]`.
    public func backward(
        _ gradient: Tensor, _ query: Tensor, _ key: Tensor, _ value: Tensor, _ saved: Saved
    ) -> (query: Tensor, key: Tensor, value: Tensor) {
        let headSize = query.columns / heads
        precondition(gradient.shape == query.shape && key.shape == value.shape, "\(gradient.shape), \(query.shape)")
        let scale = 1 / Float(headSize).squareRoot()
        let offsets = scoreOffsets
        var queryGradient = Tensor.uninitialized(query.shape)
        var keyGradient = Tensor.uninitialized(key.shape)
        var valueGradient = Tensor.uninitialized(key.shape)
        unsafe queryGradient.withUnsafeMutableValues { queryGradient in
            unsafe keyGradient.withUnsafeMutableValues { keyGradient in
                unsafe valueGradient.withUnsafeMutableValues { valueGradient in
                    unsafe saved.probabilities.values.withUnsafeBufferPointer { probabilities in
                        unsafe forEachHead(headSize) { head in
                            let (rows, tokens) = (head.queries.count, head.keys.count)
                            let stride = paddedToTiles(tokens)
                            let count = rows * stride
                            let start = offsets[head.sequence] + head.number * count
                            let all = unsafe UnsafeBufferPointer(rebasing: probabilities[start..<start + count])
                            let contextGradient = unsafe head.slice(gradient, head.queries)
                            // The gradient of the values comes from the weights that multiplied them.
                            var weights = unsafe Rows(pointer: all.baseAddress!, stride: stride)
                            if let dropout {
                                let kept = unsafe head.scratch(count)
                                unsafe kept.update(from: all.baseAddress!, count: count)
                                unsafe dropout.apply(
                                    to: UnsafeMutableBufferPointer(start: kept, count: count), from: start)
                                unsafe weights = Rows(pointer: UnsafePointer(kept), stride: stride)
                            }
                            let size = head.paddedSize
                            let sums = unsafe head.scratch(max(rows, tokens) * size)
                            unsafe multiply(
                                weights.transposed, contextGradient, rows: tokens, depth: rows, into: sums, size)
                            unsafe head.write(sums, to: valueGradient, head.keys)
                            // The gradient of the weights, then of the scores.
                            let scores = unsafe head.scratch(count)
                            unsafe multiply(
                                contextGradient, head.columns(value, head.keys), rows: rows, depth: headSize,
                                into: scores, stride)
                            unsafe dropout?.apply(
                                to: UnsafeMutableBufferPointer(start: scores, count: count), from: start)
                            for row in 0..<rows {
                                unsafe softmaxBackward(
                                    UnsafeMutableBufferPointer(start: scores + row * stride, count: stride),
                                    probabilities: UnsafeBufferPointer(
                                        rebasing: all[row * stride..<(row + 1) * stride]), scale: scale)
                            }
                            let scoreGradient = unsafe Rows(pointer: UnsafePointer(scores), stride: stride)
                            unsafe multiply(
                                scoreGradient, head.slice(key, head.keys), rows: rows, depth: tokens, into: sums, size)
                            unsafe head.write(sums, to: queryGradient, head.queries)
                            unsafe multiply(
                                scoreGradient.transposed, head.slice(query, head.queries), rows: tokens, depth: rows,
                                into: sums, size)
                            unsafe head.write(sums, to: keyGradient, head.keys)
                        }
                    }
                }
            }
        }
        return (queryGradient, keyGradient, valueGradient)
    }

    /// Calls `body` for every head of every sequence; the threads share the sequences.
    @unsafe
    private func forEachHead(_ size: Int, _ body: (inout AttentionHead) -> Void) {
        ThreadPool.shared.run(queries.count) { sequence in
            if queries[sequence].isEmpty { return }
            var head = AttentionHead(
                sequence: sequence, queries: queries[sequence], keys: keys[sequence], size: size,
                hiddenSize: heads * size)
            for number in 0..<heads {
                head.begin(number)
                body(&head)
            }
        }
    }
}
