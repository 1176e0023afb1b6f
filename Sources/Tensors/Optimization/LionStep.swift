/// One step of Lion on one tensor: every value moves by the learning rate, in the direction of the sign.
///
/// Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2.
public struct LionStep: MomentumUpdate, Sendable {
    private let learningRate, beta1, beta2: Float
    let decay: Float
    let gradientScale: Float

    public init(
        learningRate: Float, beta1: Float = 0.9, beta2: Float = 0.99, weightDecay: Float, gradientScale: Float = 1
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.gradientScale = gradientScale
        decay = Float(1 - Double(learningRate) * Double(weightDecay))
    }

    @inline(__always)
    func update(_ moment: inout SIMD16<Float>, gradient: SIMD16<Float>) -> SIMD16<Float> {
        let direction = beta1 * moment + (1 - beta1) * gradient
        moment = beta2 * moment + (1 - beta2) * gradient
        return SIMD16<Float>.zero
            .replacing(with: learningRate, where: direction .> 0)
            .replacing(with: -learningRate, where: direction .< 0)
    }

    /// Updates a tensor and its moment, which has its shape.
    public func apply(to value: inout Tensor, _ moment: inout Tensor, gradient: Tensor) {
        applyToAll(&value, &moment, gradient: gradient)
    }

    /// Updates a table of which only some rows have a gradient.
    ///
    /// - Parameter moved: for every row whether it ever had a gradient; kept up to date here.
    public func apply(
        to value: inout Tensor, _ moment: inout Tensor, gradient: SparseRows, moved: inout [Bool]
    ) {
        applyToRows(&value, &moment, gradient: gradient, moved: &moved)
    }
}
