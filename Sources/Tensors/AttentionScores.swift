/// What becomes of products of queries and keys before their softmax: scaled, with a bias added, and masked outside of the
/// window around the query.
@safe struct AttentionScores {
    let scale: Float
    let window: Int?
    /// The biases of distance 0, of the first head.
    private let bias: UnsafePointer<Float>?
    private let biasStride: Int

    /// Calls `body` with the rules, whose biases are in memory that long.
    ///
    /// - Parameters:
    ///   - scale: by default `1 / √headSize`.
    ///   - length: of the longest sequence.
    static func with<Result>(
        scale: Float?, bias: RelativeBias?, window: Int?, heads: Int, headSize: Int, length: Int,
        _ body: (AttentionScores) -> Result
    ) -> Result {
        let scale = scale ?? 1 / Float(headSize).squareRoot()
        precondition(scale > 0 && (window ?? 0) >= 0, "scale \(scale), window \(window ?? 0)")
        guard let bias else {
            return unsafe body(AttentionScores(scale: scale, window: window, bias: nil, biasStride: 0))
        }
        precondition(bias.heads == heads, "biases of \(bias.heads) heads for \(heads)")
        precondition(bias.reach >= length, "biases as far as \(bias.reach) for sequences of \(length)")
        return unsafe bias.values.values.withUnsafeBufferPointer { values in
            unsafe body(
                AttentionScores(
                    scale: scale, window: window, bias: values.baseAddress! + bias.reach - 1,
                    biasStride: 2 * bias.reach - 1))
        }
    }

    /// The places among `keys` to which queries at some places attend, from the first to the last.
    @inline(__always)
    func places(of queries: Range<Int>, among keys: Int) -> Range<Int> {
        guard let window = window else { return 0..<keys }
        let last = min(keys, queries.upperBound + window)
        return min(last, max(0, queries.lowerBound - window))..<last
    }

    /// By which scores are still to be multiplied when they are prepared.
    var factor: Float { unsafe bias == nil ? scale : 1 }

    /// Adds the bias to a row of scores, with which they are scaled, and masks it.
    ///
    /// - Parameter distance: from the query to the key of the row's first score.
    @unsafe @inline(__always)
    func prepare(_ row: UnsafeMutablePointer<Float>, count: Int, head: Int, distance: Int) {
        if let bias = unsafe bias {
            let bias = unsafe bias + head * biasStride + distance
            for i in 0..<count { unsafe row[i] = multiplyAdd(row[i], scale, bias[i]) }
        }
        if let window = window {
            for i in 0..<min(count, max(0, -window - distance)) { unsafe row[i] = -.infinity }
            for i in min(count, max(0, window - distance + 1))..<count { unsafe row[i] = -.infinity }
        }
    }
}
