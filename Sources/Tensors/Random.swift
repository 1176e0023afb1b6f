import Glibc

/// A source of random numbers whose whole state is one integer, so that a run that was interrupted can go on.
///
/// Source: Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom Number Generators", figure 16 (SplitMix64).
public final class RandomSource: RandomNumberGenerator {
    public var state: UInt64

    public init(seed: UInt64) { state = seed }

    public func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in `0..<1`.
    public func uniform() -> Float { Float(next() >> 40) * 0x1p-24 }

    /// Standard normal, by the polar method. Source: Marsaglia and Bray 1964.
    public func normal() -> Float {
        while true {
            let (u, v) = (2 * uniform() - 1, 2 * uniform() - 1)
            let s = u * u + v * v
            if s > 0, s < 1 { return u * (-2 * logf(s) / s).squareRoot() }
        }
    }

    /// Standard normal, drawn again where it is farther from 0 than `limit`.
    public func normal(within limit: Float) -> Float {
        while true {
            let value = normal()
            if abs(value) <= limit { return value }
        }
    }

    /// Gamma-distributed, with a scale of 1.
    ///
    /// Source: Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma Variables", §2 and, below 1, §6.
    public func gamma(shape: Double) -> Double {
        precondition(shape > 0, "shape \(shape)")
        if shape < 1 { return gamma(shape: shape + 1) * pow(Double(1 - uniform()), 1 / shape) }
        let d = shape - 1 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = Double(normal())
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            if v > 0, log(Double(1 - uniform())) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
    }

    /// The integers of a range in random order.
    public func permutation(of count: Int) -> [Int] {
        var generator = self
        return Array(0..<count).shuffled(using: &generator)
    }

    public func normalTensor(_ shape: Shape, standardDeviation: Float) -> Tensor {
        Tensor(shape, (0..<shape.count).map { _ in normal() * standardDeviation })
    }
}
