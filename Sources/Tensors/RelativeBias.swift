import Glibc

/// A number for every head and distance that attention adds to its scaled scores.
public struct RelativeBias: Sendable {
    public let heads: Int
    /// One more than the largest distance between a query and a key.
    public let reach: Int
    /// `[heads, 2·reach - 1]`; that of a query and a key is at `key place - query place + reach - 1`, places being rows
    /// counted from a sequence's first.
    public let values: Tensor

    /// - Parameter values: `[heads, 2·reach - 1]`
    public init(values: Tensor) {
        precondition(values.columns % 2 == 1, "relative biases of shape \(values.shape)")
        (heads, reach) = (values.rows, values.columns / 2 + 1)
        self.values = values
    }
}

// MARK: Linear biases

extension RelativeBias {
    /// `-slope·distance` with the distance counted alike in both directions: nothing to learn, and of any reach.
    ///
    /// Source: Press, Smith and Lewis 2022, "Train Short, Test Long: Attention with Linear Biases Enables Input Length
    /// Extrapolation", §3; for encoders as in Günther et al. 2023, "Jina Embeddings 2", §3.1.
    public init(alibi heads: Int, reach: Int) {
        precondition(heads > 0 && reach > 0, "\(heads) heads, reach \(reach)")
        self.init(
            values: Tensor(
                [heads, 2 * reach - 1],
                Self.slopes(heads).flatMap { slope in (1 - reach..<reach).map { -slope * Float(abs($0)) } }))
    }

    /// A geometric sequence from `2^(-8/heads)`, of which that is also the ratio. Where the heads are no power of two, the
    /// sequence of the power below, and then every other slope of the power above.
    public static func slopes(_ heads: Int) -> [Float] {
        func powers(_ count: Int) -> [Float] { (1...count).map { Float(exp2(-8 * Double($0) / Double(count))) } }
        let below = 1 << (Int.bitWidth - 1 - heads.leadingZeroBitCount)
        let odd = powers(2 * below).enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
        return powers(below) + odd.prefix(heads - below)
    }
}

// MARK: Causal attention

extension RelativeBias {
    /// Nothing for the keys up to the query's own place, and `-∞` for those behind it, whose weights become 0: every token
    /// sees itself and what stands before it.
    ///
    /// Source: Vaswani et al. 2017, "Attention Is All You Need", §3.2.3.
    public init(causal heads: Int, reach: Int) {
        precondition(heads > 0 && reach > 0, "\(heads) heads, reach \(reach)")
        let row = (1 - reach..<reach).map { $0 > 0 ? -Float.infinity : 0 }
        self.init(values: Tensor([heads, 2 * reach - 1], (0..<heads).flatMap { _ in row }))
    }
}

// MARK: Buckets

extension RelativeBias {
    /// Biases that distances share by buckets.
    ///
    /// - Parameters:
    ///   - table: `[buckets, heads]`
    ///   - maxDistance: from which on all distances of one direction share a bucket.
    ///
    /// Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", §2.1.
    public init(buckets table: Tensor, maxDistance: Int = 128, reach: Int) {
        precondition(reach > 0, "reach \(reach)")
        let heads = table.columns
        let buckets = Self.buckets(table.rows, maxDistance, reach)
        self.init(
            values: Tensor(
                [heads, buckets.count],
                (0..<heads).flatMap { head in buckets.map { table.values[$0 * heads + head] } }))
    }

    /// The gradient of the table, `[buckets, heads]`, from that of the values, `[heads, 2·reach - 1]`.
    public static func bucketGradient(_ gradient: Tensor, buckets count: Int, maxDistance: Int = 128) -> Tensor {
        let (heads, width) = (gradient.rows, gradient.columns)
        let buckets = buckets(count, maxDistance, width / 2 + 1)
        var table = Tensor.zeros([count, heads])
        table.mutate { table in
            for head in 0..<heads {
                for (place, bucket) in buckets.enumerated() {
                    table[bucket * heads + head] += gradient.values[head * width + place]
                }
            }
        }
        return table
    }

    /// The bucket of a distance `key place - query place`: one half of the buckets for each direction, of these again one
    /// half for distances of their own, and the rest for ranges whose widths grow with the distance.
    public static func bucket(of distance: Int, buckets: Int = 32, maxDistance: Int = 128) -> Int {
        let half = buckets / 2
        let exact = half / 2
        precondition(exact > 0 && maxDistance > exact, "\(buckets) buckets up to distance \(maxDistance)")
        let (first, size) = (distance > 0 ? half : 0, abs(distance))
        if size < exact { return first + size }
        // In f32 as the models were trained, so that the borders are theirs.
        let place =
            logf(Float(size) / Float(exact)) / Float(log(Double(maxDistance) / Double(exact))) * Float(half - exact)
        return first + min(half - 1, exact + Int(place))
    }

    /// The buckets of the distances from `1 - reach` to `reach - 1`.
    private static func buckets(_ count: Int, _ maxDistance: Int, _ reach: Int) -> [Int] {
        (1 - reach..<reach).map { bucket(of: $0, buckets: count, maxDistance: maxDistance) }
    }
}
