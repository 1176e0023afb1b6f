import Tensors

/// Adam with decoupled weight decay.
///
/// Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2.
public final class AdamW: Optimizer {
    public struct Configuration: Equatable, Sendable {
        public var beta1: Float = 0.9
        public var beta2: Float = 0.999
        public var epsilon: Float = 1e-8
        public var weightDecay: Float = 0.01
        /// Gradients are scaled down to this norm, taken over all parameters; 0 leaves them as they are.
        public var maxGradientNorm: Double = 1

        public init() {}
    }

    /// What the optimizer keeps of one parameter.
    private struct Moments {
        var first: Tensor
        var second: Tensor
        /// Of a table: the rows that ever had a gradient.
        var moved: [Bool]
    }

    public let parameters: [Parameter]
    public let configuration: Configuration
    public private(set) var steps = 0
    /// Made with the first step.
    private var moments: [Moments] = []

    /// - Parameter parameters: those to be trained.
    public init(_ parameters: [Parameter], _ configuration: Configuration = Configuration()) {
        self.parameters = parameters
        self.configuration = configuration
    }

    private func makeMoments() {
        moments = parameters.map { parameter in
            Moments(
                first: .zeros(parameter.shape), second: .zeros(parameter.shape),
                moved: [Bool](repeating: false, count: parameter.shape.rows))
        }
    }

    /// Whether weight decay spares the parameter: biases, those of attention too, and normalizations, as Devlin et al. 2019
    /// trained BERT.
    public static func isSparedByWeightDecay(_ parameter: Parameter) -> Bool {
        parameter.shape.dimensions.count == 1 || parameter.name.contains("bias")
    }

    @discardableResult
    public func step(learningRate: Double) -> Double {
        let norm = parameters.reduce(0) { $0 + ($1.gradient?.sumOfSquares ?? 0) }.squareRoot()
        let limit = configuration.maxGradientNorm
        let scale = limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1
        steps += 1
        if moments.isEmpty { makeMoments() }
        for (index, parameter) in parameters.enumerated() {
            guard let gradient = parameter.gradient else { continue }
            let step = AdamWStep(
                learningRate: Float(learningRate), beta1: configuration.beta1, beta2: configuration.beta2,
                epsilon: configuration.epsilon,
                weightDecay: Self.isSparedByWeightDecay(parameter) ? 0 : configuration.weightDecay,
                gradientScale: Float(scale), step: steps)
            update(parameter, gradient, &moments[index], step)
        }
        return norm
    }

    // MARK: The state

    public var state: OptimizerState {
        var state = OptimizerState(steps: steps)
        for (parameter, moments) in zip(parameters, moments) {
            state.tensors[parameter.name + ".first"] = moments.first
            state.tensors[parameter.name + ".second"] = moments.second
            state.tensors[parameter.name + ".moved"] = Tensor([moments.moved.count], moments.moved.map { $0 ? 1 : 0 })
        }
        return state
    }

    public func restore(_ state: OptimizerState) throws(OptimizerState.Mismatch) {
        var moments: [Moments] = []
        if state.steps > 0 {
            for parameter in parameters {
                let moved = try state.tensor(parameter.name + ".moved", [parameter.shape.rows])
                moments.append(
                    Moments(
                        first: try state.tensor(parameter.name + ".first", parameter.shape),
                        second: try state.tensor(parameter.name + ".second", parameter.shape),
                        moved: moved.values.map { $0 != 0 }))
            }
        }
        steps = state.steps
        self.moments = moments
    }

    private func update(
        _ parameter: Parameter, _ gradient: Parameter.Gradient, _ moments: inout Moments, _ step: AdamWStep
    ) {
        parameter.update { value in
            switch gradient {
            case .dense(let gradient):
                for row in moments.moved.indices { moments.moved[row] = true }
                step.apply(to: &value, &moments.first, &moments.second, gradient: gradient)
            case .rows(let rows):
                step.apply(to: &value, &moments.first, &moments.second, gradient: rows, moved: &moments.moved)
            }
        }
    }
}
