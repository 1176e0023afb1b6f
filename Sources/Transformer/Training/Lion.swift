public import Tensors

/// Every value moves by the learning rate, in the direction of the sign of a moment. Rates are three to ten times smaller
/// than AdamW's, weight decay as much larger.
///
/// Source: Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2.
public struct Lion: UpdateRule {
    public var beta1: Float
    public var beta2: Float

    public init(beta1: Float = 0.9, beta2: Float = 0.99) {
        self.beta1 = beta1
        self.beta2 = beta2
    }

    public func memory(of shape: Shape) -> [(name: String, shape: Shape)] { [("moment", shape)] }

    public func update(
        _ value: inout Tensor, _ memory: inout ParameterMemory, _ gradient: Parameter.Gradient, _ step: ParameterStep
    ) {
        let step = LionStep(
            learningRate: step.learningRate, beta1: beta1, beta2: beta2, weightDecay: step.weightDecay,
            gradientScale: step.gradientScale)
        switch gradient {
        case .dense(let gradient):
            memory.moveAll()
            step.apply(to: &value, &memory.tensors[0], gradient: gradient)
        case .rows(let rows): step.apply(to: &value, &memory.tensors[0], gradient: rows, moved: &memory.moved)
        }
    }
}
