/// A random choice of values to drop. Only the key is kept: the choice for a position is computed from both whenever it
/// is needed, in the forward and in the backward pass, on any thread.
///
/// Source: Srivastava et al. 2014, "Dropout", with the kept values scaled by `1 / (1 - probability)`.
public struct DropoutMask: Equatable, Sendable {
    let key: UInt32
    let probability: Float

    /// - Returns: `nil` where nothing is dropped.
    public init?(probability: Float, random: RandomSource?) {
        precondition((0..<1).contains(probability), "dropout probability \(probability)")
        guard let random, probability > 0 else { return nil }
        key = UInt32(truncatingIfNeeded: random.next())
        self.probability = probability
    }

    var scale: Float { 1 / (1 - probability) }
    var threshold: UInt32 { UInt32(probability * 0x1p32) }

    /// 32 well-mixed bits for a position: a counter through a finalizer of two multiplications.
    @inline(__always)
    static func bits(_ key: UInt32, _ index: UInt32) -> UInt32 {
        var x = (index &* 0x9E37_79B9) ^ key
        x = (x ^ (x >> 16)) &* 0x7FEB_352D
        x = (x ^ (x >> 15)) &* 0x846C_A68B
        return x ^ (x >> 16)
    }

    /// Drops and scales values that begin at position `start` of the whole.
    @unsafe @inline(__always)
    func apply(to values: UnsafeMutableBufferPointer<Float>, from start: Int) {
        let (key, scale, threshold, first) = (key, scale, threshold, UInt32(truncatingIfNeeded: start))
        for i in values.indices {
            let isKept = Self.bits(key, first &+ UInt32(truncatingIfNeeded: i)) >= threshold
            unsafe values[i] = isKept ? values[i] * scale : 0
        }
    }
}

extension Tensor {
    /// Adds to every value of some rows a number that its place and the key choose, uniform in `-size..<size`.
    public mutating func addUniformNoise(to rows: Range<Int>, size: Float, key: UInt32) {
        let range = rows.lowerBound * columns..<rows.upperBound * columns
        mutate { values in
            for i in range {
                let bits = DropoutMask.bits(key, UInt32(truncatingIfNeeded: i))
                values[i] += size * (Float(bits >> 8) * 0x1p-23 - 1)
            }
        }
    }

    /// Drops what the mask drops and scales the rest. Its backward pass is the same call on the gradient.
    public mutating func apply(_ mask: DropoutMask?) {
        guard let mask else { return }
        unsafe withUnsafeMutableValues { values in
            unsafe forEachBlock(of: values) { range, values in unsafe mask.apply(to: values, from: range.lowerBound) }
        }
    }
}
