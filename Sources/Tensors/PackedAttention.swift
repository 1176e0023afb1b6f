/// Scaled dot-product attention over packed sequences: every query attends to the keys of its own sequence, or to those in a
/// window around its place.
///
/// Sources: Vaswani et al. 2017, "Attention Is All You Need", §3.2; relative biases as in Raffel et al. 2020, "Exploring the
/// Limits of Transfer Learning", §2.1; windows as in Beltagy et al. 2020, "Longformer", §3.1.
public struct PackedAttention: Sendable {
    /// The rows of each sequence among the queries: all, or the first of them.
    public let queries: [Range<Int>]
    /// The rows of each sequence among the keys and values.
    public let keys: [Range<Int>]
    public let heads: Int
    /// Of the scores; `nil` is `1 / √headSize`.
    public let scale: Float?
    /// Added to the scaled scores.
    public let bias: RelativeBias?
    /// The largest distance to a key that a query attends to.
    public let window: Int?
    /// What the distances add to the products of queries and keys, before they are scaled.
    public let positions: DisentangledPositions?
    public let dropout: DropoutMask?

    /// What the backward pass needs.
    public struct Saved: Sendable {
        /// The softmax of the scores before dropout: for each part of each sequence, `[heads, queries, scoreStride]`.
        let probabilities: Tensor
    }

    /// The gradients of what attention read, in the shapes of that.
    public struct Gradients: Sendable {
        public let query, key, value: Tensor
        /// Of the values of the relative bias, `[heads, 2·reach - 1]`, where it was asked for.
        public let bias: Tensor?
        /// Of the keys and the queries that stand for distances, where there are any.
        public let positionKeys, positionQueries: Tensor?
    }

    public init(
        queries: [Range<Int>], keys: [Range<Int>], heads: Int, scale: Float? = nil, bias: RelativeBias? = nil,
        window: Int? = nil, positions: DisentangledPositions? = nil, dropout: DropoutMask? = nil
    ) {
        precondition(queries.count == keys.count, "\(queries.count) sequences of queries, \(keys.count) of keys")
        precondition(
            zip(queries, keys).allSatisfy { $0.isEmpty == $1.isEmpty }, "keys without queries, or without keys")
        precondition(
            window == nil || zip(queries, keys).allSatisfy { $0.count <= $1.count }, "queries beyond all windows")
        precondition(
            positions == nil || window == nil && bias == nil, "disentangled positions beside a window or a bias")
        precondition(
            positions.map { $0.reach >= keys.reduce(0) { max($0, $1.count) } } ?? true, "positions of a shorter reach")
        self.queries = queries
        self.keys = keys
        self.heads = heads
        self.scale = scale
        self.bias = bias
        self.window = window
        self.positions = positions
        self.dropout = dropout
    }

    /// `softmax(scale·Q·Kᵀ + bias)·V` for every head.
    ///
    /// - Parameters: `query` is `[queries, innerSize]`, `key` and `value` are `[tokens, innerSize]`, the heads side by side
    ///   in each row.
    /// - Returns: the context vectors, `[queries, innerSize]`.
    public func forward(_ query: Tensor, _ key: Tensor, _ value: Tensor) -> (context: Tensor, saved: Saved) {
        let headSize = query.columns / heads
        precondition(headSize * heads == query.columns, "\(heads) heads for \(query.shape)")
        precondition(key.shape == value.shape && key.columns == query.columns, "\(query.shape), \(key.shape)")
        precondition(
            queries.allSatisfy { $0.upperBound <= query.rows } && keys.allSatisfy { $0.upperBound <= key.rows },
            "sequences beyond \(query.shape) or \(key.shape)")
        var context = Tensor.uninitialized(query.shape)
        var probabilities = Tensor.uninitialized([scoreCount])
        unsafe context.withUnsafeMutableValues { context in
            unsafe probabilities.withUnsafeMutableValues { probabilities in
                unsafe forEachHead(headSize) { head, part, rules in
                    let (rows, tokens, stride) = (part.queries.count, part.keys.count, part.stride)
                    let start = part.start + head.number * rows * stride
                    let scores = unsafe probabilities.baseAddress! + start
                    let v = unsafe head.slice(value, head.keys)
                    if let positions {
                        unsafe positions.scores(of: head, query, key, into: scores, stride)
                    } else {
                        let q = unsafe head.slice(query, head.queries)
                        let keyColumns = unsafe head.columns(key, head.keys)
                        unsafe multiply(q, keyColumns, rows: rows, depth: headSize, into: scores, stride)
                    }
                    for row in 0..<rows {
                        let values = unsafe UnsafeMutableBufferPointer(start: scores + row * stride, count: stride)
                        unsafe rules.prepare(
                            values.baseAddress!, count: tokens, head: head.number, distance: part.distance - row)
                        unsafe softmax(values, count: tokens, scale: rules.factor)
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

    /// The gradients of query, key and value, and where asked that of the bias, from the gradient of the context,
    /// `[queries, innerSize]`.
    public func backward(
        _ gradient: Tensor, _ query: Tensor, _ key: Tensor, _ value: Tensor, _ saved: Saved, ofBias: Bool = false
    ) -> Gradients {
        let headSize = query.columns / heads
        precondition(gradient.shape == query.shape && key.shape == value.shape, "\(gradient.shape), \(query.shape)")
        precondition(!ofBias || bias != nil, "the gradient of no bias")
        let biasOffsets = biasOffsets
        var queryGradient = Tensor.uninitialized(query.shape)
        // Parts of a sequence add to the keys that they share.
        var keyGradient = window == nil ? Tensor.uninitialized(key.shape) : .zeros(key.shape)
        var valueGradient = keyGradient
        var biasGradients = Tensor.zeros([ofBias ? biasOffsets[queries.count] : 0])
        let positionGradients = positions.map { DisentangledGradients($0, keys) }
        unsafe queryGradient.withUnsafeMutableValues { queryGradient in
            unsafe keyGradient.withUnsafeMutableValues { keyGradient in
                unsafe valueGradient.withUnsafeMutableValues { valueGradient in
                    unsafe biasGradients.withUnsafeMutableValues { biasGradients in
                        unsafe saved.probabilities.values.withUnsafeBufferPointer { probabilities in
                            unsafe forEachHead(headSize) { head, part, rules in
                                let (rows, tokens, stride) = (part.queries.count, part.keys.count, part.stride)
                                let count = rows * stride
                                let start = part.start + head.number * count
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
                                unsafe put(sums, of: head, to: valueGradient)
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
                                            rebasing: all[row * stride..<(row + 1) * stride]),
                                        scale: ofBias ? 1 : rules.scale)
                                }
                                if ofBias {
                                    let first = biasOffsets[part.sequence]
                                    let width = (biasOffsets[part.sequence + 1] - first) / heads
                                    unsafe addToBias(
                                        biasGradients.baseAddress! + first + head.number * width + width / 2, part,
                                        scores)
                                    for i in 0..<count { unsafe scores[i] *= rules.scale }
                                }
                                let scoreGradient = unsafe Rows(pointer: UnsafePointer(scores), stride: stride)
                                let k = unsafe head.slice(key, head.keys)
                                unsafe multiply(scoreGradient, k, rows: rows, depth: tokens, into: sums, size)
                                let q = unsafe head.slice(query, head.queries)
                                unsafe positionGradients?.add(
                                    .keys, part.sequence, head, scoreGradient, content: q, to: sums)
                                unsafe head.write(sums, to: queryGradient, head.queries)
                                unsafe multiply(
                                    scoreGradient.transposed, q, rows: tokens, depth: rows, into: sums, size)
                                unsafe positionGradients?.add(
                                    .queries, part.sequence, head, scoreGradient, content: k, to: sums)
                                unsafe put(sums, of: head, to: keyGradient)
                            }
                        }
                    }
                }
            }
        }
        return Gradients(
            query: queryGradient, key: keyGradient, value: valueGradient,
            bias: ofBias ? sum(ofBiasGradients: biasGradients, biasOffsets) : nil,
            positionKeys: positionGradients?.sum(.keys), positionQueries: positionGradients?.sum(.queries))
    }

    /// Gives a part's rows of keys or values their gradient, which is the sum of all parts' with a window.
    @unsafe @inline(__always)
    private func put(
        _ sums: UnsafeMutablePointer<Float>, of head: AttentionHead, to gradient: UnsafeMutableBufferPointer<Float>
    ) {
        if window == nil {
            unsafe head.write(sums, to: gradient, head.keys)
        } else {
            unsafe head.add(sums, to: gradient, head.keys)
        }
    }
}

// MARK: Gradient of the bias

extension PackedAttention {
    /// Where the gradients of each sequence's biases begin, `[heads, 2·length - 1]`, and behind the last the number of all.
    private var biasOffsets: [Int] {
        zip(queries, keys).reduce(into: [0]) { offsets, rows in
            offsets.append(offsets[offsets.count - 1] + heads * max(0, 2 * max(rows.0.count, rows.1.count) - 1))
        }
    }

    /// Adds the gradients of a part's scores to those of one head's biases, the one of distance 0 being at `center`.
    @unsafe @inline(__always)
    private func addToBias(
        _ center: UnsafeMutablePointer<Float>, _ part: Part, _ scores: UnsafeMutablePointer<Float>
    ) {
        for row in 0..<part.queries.count {
            let target = unsafe center + part.distance - row
            let values = unsafe scores + row * part.stride
            for i in 0..<part.keys.count { unsafe target[i] += values[i] }
        }
    }

    /// The sum over the sequences, one after the other whichever thread computed them.
    private func sum(ofBiasGradients gradients: Tensor, _ offsets: [Int]) -> Tensor? {
        guard let bias else { return nil }
        let (heads, reach) = (heads, bias.reach)
        var sum = Tensor.zeros(bias.values.shape)
        unsafe gradients.values.withUnsafeBufferPointer { gradients in
            unsafe sum.forEachRow { head, sum in
                for sequence in 0..<offsets.count - 1 where offsets[sequence + 1] > offsets[sequence] {
                    let width = (offsets[sequence + 1] - offsets[sequence]) / heads
                    let source = unsafe gradients.baseAddress! + offsets[sequence] + head * width
                    let target = unsafe sum.baseAddress! + reach - 1 - width / 2
                    for i in 0..<width { unsafe target[i] += source[i] }
                }
            }
        }
        return sum
    }
}

// MARK: Parts

extension PackedAttention {
    /// Queries of a part, where a window lets most keys out.
    private static var queriesPerPart: Int { 64 }

    /// Queries of one sequence with all keys that they attend to.
    private struct Part {
        let sequence: Int
        let queries: Range<Int>
        let keys: Range<Int>
        /// From the first query's place to the first key's.
        let distance: Int
        /// Where its scores begin.
        let start: Int

        var stride: Int { paddedToTiles(keys.count) }
    }

    /// The parts of each sequence: one, or with a window as many as make the work grow with the length alone.
    private var parts: [[Part]] {
        var start = 0
        return queries.indices.map { sequence in
            let (rows, tokens) = (queries[sequence], keys[sequence])
            let size = window == nil ? max(1, rows.count) : Self.queriesPerPart
            return stride(from: 0, to: rows.count, by: size).map { first in
                let last = min(rows.count, first + size)
                let places = window.map { max(0, first - $0)..<min(tokens.count, last + $0) } ?? 0..<tokens.count
                let part = Part(
                    sequence: sequence, queries: rows.lowerBound + first..<rows.lowerBound + last,
                    keys: tokens.lowerBound + places.lowerBound..<tokens.lowerBound + places.upperBound,
                    distance: places.lowerBound - first, start: start)
                start += heads * part.queries.count * part.stride
                return part
            }
        }
    }

    /// The number of all parts' scores.
    private var scoreCount: Int {
        parts.joined().last.map { $0.start + heads * $0.queries.count * $0.stride } ?? 0
    }

    /// Calls `body` for every head of every part; the threads share the sequences.
    @unsafe
    private func forEachHead(_ size: Int, _ body: (inout AttentionHead, Part, AttentionScores) -> Void) {
        let parts = parts
        let length = zip(queries, keys).reduce(0) { max($0, $1.0.count, $1.1.count) }
        AttentionScores.with(
            scale: scale, bias: bias, window: window, heads: heads, headSize: size, length: length
        ) { rules in
            ThreadPool.shared.run(queries.count) { sequence in
                for part in parts[sequence] {
                    let extra =
                        positions.map {
                            DisentangledGradients.scratchCount(
                                queries: part.queries.count, keys: part.keys.count, size: size, $0)
                        } ?? 0
                    var head = AttentionHead(
                        queries: part.queries, keys: part.keys, size: size, innerSize: heads * size, extra: extra)
                    for number in 0..<heads {
                        head.begin(number)
                        body(&head, part, rules)
                    }
                }
            }
        }
    }
}
