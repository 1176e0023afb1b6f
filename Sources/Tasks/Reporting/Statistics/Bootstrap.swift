import Tensors

/// Confidence intervals of numbers that have no formula, from examples drawn again with replacement.
///
/// Source: Efron 1979, "Bootstrap Methods: Another Look at the Jackknife"; the percentile method. Always the same draws.
package struct Bootstrap {
    /// The range that holds each of the numbers with a confidence of 95 %.
    ///
    /// - Parameters:
    ///   - examples: how many there are.
    ///   - statistics: computes numbers, always as many, of examples given by their indices.
    package static func intervals(examples: Int, _ statistics: ([Int]) -> [Double]) -> [ClosedRange<Double>] {
        precondition(examples > 0, "a bootstrap of no examples")
        // A thousand draws where that takes moments; of very many examples fewer say as much.
        let draws = min(1000, max(100, 20_000_000 / examples))
        let random = RandomSource(seed: 0x600D_5EED)
        var results: [[Double]] = []
        results.reserveCapacity(draws)
        var sample = [Int](repeating: 0, count: examples)
        for _ in 0..<draws {
            for place in sample.indices { sample[place] = index(below: examples, random) }
            results.append(statistics(sample))
        }
        return results[0].indices.map { number in
            let values = results.map { $0[number] }.filter(\.isFinite).sorted()
            guard let last = values.last else { return 0...0 }
            return quantile(0.025, values)...min(last, quantile(0.975, values))
        }
    }

    private static func index(below count: Int, _ random: RandomSource) -> Int {
        Int(truncatingIfNeeded: random.next().multipliedFullWidth(by: UInt64(count)).high)
    }

    /// Between the two values it falls between.
    package static func quantile(_ share: Double, _ sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
}
