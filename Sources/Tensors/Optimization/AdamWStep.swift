import CPlatform
import Glibc

/// One step of AdamW on one tensor, in one pass over its memory.
///
/// Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2, as `torch.optim.AdamW`
/// computes it.
public struct AdamWStep: Sendable {
    public var learningRate: Float
    public var beta1: Float
    public var beta2: Float
    public var epsilon: Float
    public var weightDecay: Float
    /// Multiplies every gradient: gradient clipping.
    public var gradientScale: Float
    /// Counts from 1.
    public var step: Int

    public init(
        learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: Float,
        gradientScale: Float = 1, step: Int
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.gradientScale = gradientScale
        self.step = step
    }

    /// The numbers that are the same for every value.
    private struct Factors {
        let decay, stepSize, secondCorrection: Float

        init(_ step: AdamWStep) {
            decay = Float(1 - Double(step.learningRate) * Double(step.weightDecay))
            stepSize = Float(Double(step.learningRate) / (1 - pow(Double(step.beta1), Double(step.step))))
            secondCorrection = Float(1 / (1 - pow(Double(step.beta2), Double(step.step))).squareRoot())
        }
    }

    /// Updates a tensor and its two moments, which have its shape.
    public func apply(to value: inout Tensor, _ first: inout Tensor, _ second: inout Tensor, gradient: Tensor) {
        precondition(value.shape == gradient.shape, "gradient \(gradient.shape) of \(value.shape)")
        precondition(value.shape == first.shape && value.shape == second.shape, "moments of \(value.shape)")
        let factors = Factors(self)
        unsafe gradient.values.withUnsafeBufferPointer { gradient in
            unsafe first.withUnsafeMutableValues { first in
                unsafe second.withUnsafeMutableValues { second in
                    unsafe value.withUnsafeMutableValues { value in
                        unsafe forEachBlock(of: value) { range, value in
                            unsafe update(
                                value, UnsafeMutableBufferPointer(rebasing: first[range]),
                                UnsafeMutableBufferPointer(rebasing: second[range]), factors,
                                gradient: UnsafeBufferPointer(rebasing: gradient[range]))
                        }
                    }
                }
            }
        }
    }

    /// Updates a table of which only some rows have a gradient. The result is the one that a gradient with zeros in all
    /// other rows gives: a row that never had one has moments of zero, and only decays.
    ///
    /// - Parameter moved: for every row whether it ever had a gradient; kept up to date here.
    public func apply(
        to value: inout Tensor, _ first: inout Tensor, _ second: inout Tensor, gradient: SparseRows,
        moved: inout [Bool]
    ) {
        precondition(gradient.shape == value.shape && moved.count == value.rows, "gradient of \(value.shape)")
        let factors = Factors(self)
        let columns = value.columns
        let slots = gradient.slots(moved: &moved)
        let moved = moved
        unsafe gradient.values.values.withUnsafeBufferPointer { gradient in
            unsafe first.withUnsafeMutableValues { first in
                unsafe second.withUnsafeMutableValues { second in
                    unsafe value.forEachRow { row, value in
                        if !moved[row] {
                            if factors.decay != 1 { for i in value.indices { unsafe value[i] *= factors.decay } }
                            return
                        }
                        let range = row * columns..<(row + 1) * columns
                        let first = unsafe UnsafeMutableBufferPointer(rebasing: first[range])
                        let second = unsafe UnsafeMutableBufferPointer(rebasing: second[range])
                        let slot = Int(slots[row])
                        let gradient =
                            unsafe slot < 0
                            ? nil : UnsafeBufferPointer(rebasing: gradient[slot * columns..<(slot + 1) * columns])
                        unsafe update(value, first, second, factors, gradient: gradient)
                    }
                }
            }
        }
    }

    /// - Parameter gradient: `nil` stands for zeros.
    @unsafe
    private func update(
        _ value: UnsafeMutableBufferPointer<Float>, _ first: UnsafeMutableBufferPointer<Float>,
        _ second: UnsafeMutableBufferPointer<Float>, _ factors: Factors, gradient: UnsafeBufferPointer<Float>?
    ) {
        let (beta1, beta2, epsilon, scale) = (beta1, beta2, epsilon, gradientScale)
        // Explicit lanes: a scalar square root checks for negative numbers, which keeps the loop from being vectorized.
        let whole = value.count & ~15
        for i in stride(from: 0, to: whole, by: 16) {
            let g = unsafe gradient.map { unsafe loadLanes($0, i) * scale } ?? .zero
            let m = unsafe beta1 * loadLanes(UnsafeBufferPointer(first), i) + (1 - beta1) * g
            let v = unsafe beta2 * loadLanes(UnsafeBufferPointer(second), i) + (1 - beta2) * g * g
            let denominator = cplatform_square_roots(v) * factors.secondCorrection + epsilon
            let old = unsafe loadLanes(UnsafeBufferPointer(value), i)
            unsafe storeLanes(m, first, i)
            unsafe storeLanes(v, second, i)
            unsafe storeLanes(old * factors.decay - factors.stepSize * m / denominator, value, i)
        }
        for i in whole..<value.count {
            let g = unsafe (gradient?[i] ?? 0) * scale
            let m = unsafe beta1 * first[i] + (1 - beta1) * g
            let v = unsafe beta2 * second[i] + (1 - beta2) * g * g
            unsafe first[i] = m
            unsafe second[i] = v
            let denominator = v.squareRoot() * factors.secondCorrection + epsilon
            unsafe value[i] = value[i] * factors.decay - factors.stepSize * m / denominator
        }
    }
}
