public import Tensors

/// Gradient descent with momentum, weight decay being decoupled.
///
/// Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning", §2; Loshchilov and
/// Hutter 2019, algorithm 1.
public struct StochasticGradientDescent: UpdateRule {
    public var momentum: Float
    /// Whether the gradient is looked at where the momentum leads.
    public var isNesterov: Bool

    public init(momentum: Float = 0.9, isNesterov: Bool = false) {
        self.momentum = momentum
        self.isNesterov = isNesterov
    }

    public func memory(of shape: Shape) -> [(name: String, shape: Shape)] { [("momentum", shape)] }

    public func update(
        _ value: inout Tensor, _ memory: inout ParameterMemory, _ gradient: Parameter.Gradient, _ step: ParameterStep
    ) {
        let step = MomentumStep(
            learningRate: step.learningRate, momentum: momentum, isNesterov: isNesterov,
            weightDecay: step.weightDecay, gradientScale: step.gradientScale)
        switch gradient {
        case .dense(let gradient):
            memory.moveAll()
            step.apply(to: &value, &memory.tensors[0], gradient: gradient)
        case .rows(let rows): step.apply(to: &value, &memory.tensors[0], gradient: rows, moved: &memory.moved)
        }
    }
}
