/// One step of gradient descent with momentum on one tensor, weight decay being decoupled from the gradient.
///
/// Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", §2, as
/// `torch.optim.SGD` computes it; the decay: Loshchilov and Hutter 2019, algorithm 1.
public struct MomentumStep: MomentumUpdate, Sendable {
    private let learningRate, momentum: Float
    private let isNesterov: Bool
    let decay: Float
    let gradientScale: Float

    public init(
        learningRate: Float, momentum: Float = 0.9, isNesterov: Bool = false, weightDecay: Float,
        gradientScale: Float = 1
    ) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.isNesterov = isNesterov
        self.gradientScale = gradientScale
        decay = Float(1 - Double(learningRate) * Double(weightDecay))
    }

    @inline(__always)
    func update(_ moment: inout SIMD16<Float>, gradient: SIMD16<Float>) -> SIMD16<Float> {
        moment = momentum * moment + gradient
        return learningRate * (isNesterov ? gradient + momentum * moment : moment)
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
