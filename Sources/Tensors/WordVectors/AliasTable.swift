/// Draws integers with given probabilities in constant time.
///
/// Source: Walker 1977, "An Efficient Method for Generating Discrete Random Variables", in Vose's form (1991).
struct AliasTable: Sendable {
    private let limits: [UInt32]
    private let aliases: [Int32]

    /// - Precondition: at least one weight, all positive.
    init(_ weights: [Double]) {
        let count = weights.count
        let total = weights.reduce(0, +)
        var scaled = weights.map { $0 / total * Double(count) }
        var limits = [UInt32](repeating: .max, count: count)
        var aliases = (0..<Int32(count)).map { $0 }
        var small = scaled.indices.filter { scaled[$0] < 1 }
        var large = scaled.indices.filter { scaled[$0] >= 1 }
        while let less = small.popLast(), let more = large.last {
            limits[less] = UInt32(scaled[less] * 0x1p32)
            aliases[less] = Int32(more)
            scaled[more] -= 1 - scaled[less]
            if scaled[more] < 1 { small.append(large.removeLast()) }
        }
        self.limits = limits
        self.aliases = aliases
    }

    @inline(__always)
    func draw(_ random: inout SplitMix) -> Int32 {
        let bits = random.next()
        let place = Int(truncatingIfNeeded: ((bits >> 32) &* UInt64(limits.count)) >> 32)
        return UInt32(truncatingIfNeeded: bits) <= limits[place] ? Int32(truncatingIfNeeded: place) : aliases[place]
    }
}
