public import Tensors

/// Adam with decoupled weight decay.
///
/// Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
public struct AdamW: UpdateRule {
    public var beta1: Float
    public var beta2: Float
    public var epsilon: Float

    public init(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
    }

    public func memory(of shape: Shape) -> [(name: String, shape: Shape)] { [("first", shape), ("second", shape)] }

    public func update(
        _ value: inout Tensor, _ memory: inout ParameterMemory, _ gradient: Parameter.Gradient, _ step: ParameterStep
    ) {
        let step = AdamWStep(
            learningRate: step.learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
            weightDecay: step.weightDecay, gradientScale: step.gradientScale, step: step.step)
        var (first, second) = (memory.tensors[0], memory.tensors[1])
        memory.tensors = []
        switch gradient {
        case .dense(let gradient):
            memory.moveAll()
            step.apply(to: &value, &first, &second, gradient: gradient)
        case .rows(let rows):
            step.apply(to: &value, &first, &second, gradient: rows, moved: &memory.moved)
        }
        memory.tensors = [first, second]
    }
}
