import Tensors

/// Moves parameters along their gradients: clips the gradients, and lets every parameter's group say how fast it learns.
/// The equations are the rule's.
public final class Optimizer {
    /// Those that learn.
    public let parameters: [Parameter]
    /// Of every parameter, in their order.
    public let groups: [ParameterGroup]
    /// Gradients are scaled down to this norm, taken over all parameters; 0 leaves them as they are.
    public let maxGradientNorm: Double
    public private(set) var steps = 0
    private let rule: any UpdateRule
    /// Of moving averages, how much is kept in a step; `nil` keeps none.
    private let averageDecay: Double?
    /// Of every parameter the moving average, or while they are exchanged its value.
    private var averages: [Tensor] = []
    /// Of every parameter, from its first gradient on.
    private var memory: [ParameterMemory?]

    /// - Parameters:
    ///   - parameters: those to be trained.
    ///   - groups: of every parameter, in their order; `nil` lets all learn alike, with the usual weight decay.
    public init(
        _ parameters: [Parameter], _ rule: any UpdateRule = AdamW(), groups: [ParameterGroup]? = nil,
        maxGradientNorm: Double = 1, averageDecay: Double? = nil
    ) {
        self.parameters = parameters
        self.groups = groups ?? parameters.map { ParameterGroup($0) }
        precondition(
            self.groups.count == parameters.count, "\(self.groups.count) groups, \(parameters.count) parameters")
        self.maxGradientNorm = maxGradientNorm
        self.rule = rule
        self.averageDecay = averageDecay
        memory = [ParameterMemory?](repeating: nil, count: parameters.count)
        if averageDecay != nil { averages = parameters.map(\.value) }
    }

    /// Takes one step along the gradients. A parameter without one stays as it is.
    ///
    /// - Parameter learningRate: of a group whose factor is 1.
    /// - Returns: the norm of the gradients before they were scaled.
    @discardableResult
    public func step(learningRate: Double) -> Double {
        let norm = parameters.reduce(0) { $0 + ($1.gradient?.sumOfSquares ?? 0) }.squareRoot()
        let scale = maxGradientNorm > 0 && norm > maxGradientNorm ? maxGradientNorm / (norm + 1e-6) : 1
        steps += 1
        for (index, parameter) in parameters.enumerated() {
            guard let gradient = parameter.gradient else { continue }
            var memory = self.memory[index] ?? ParameterMemory(rule.memory(of: parameter.shape), parameter.shape)
            self.memory[index] = nil
            memory.steps += 1
            let step = ParameterStep(
                learningRate: Float(learningRate * groups[index].rateFactor), rateFactor: groups[index].rateFactor,
                weightDecay: groups[index].weightDecay, gradientScale: Float(scale), step: memory.steps)
            parameter.update { rule.update(&$0, &memory, gradient, step) }
            self.memory[index] = memory
        }
        moveAverages()
        return norm
    }

    public func clearGradients() {
        for parameter in parameters { parameter.clearGradient() }
    }

    // MARK: Moving averages

    /// In the first steps less is kept, so that the start is forgotten.
    ///
    /// Source: Polyak and Juditsky 1992, "Acceleration of Stochastic Approximation by Averaging"; the decay of the first
    /// steps is that of TensorFlow's `ExponentialMovingAverage`.
    private func moveAverages() {
        guard let averageDecay else { return }
        let decay = Float(min(averageDecay, Double(1 + steps) / Double(10 + steps)))
        for (index, parameter) in parameters.enumerated() {
            var part = parameter.value
            part.scale(by: 1 - decay)
            averages[index].scale(by: decay)
            averages[index] += part
        }
    }

    /// Puts the moving averages in the place of the parameters, and the other way round when called again.
    public func exchangeAverages() {
        for index in averages.indices {
            let average = averages[index]
            averages[index] = parameters[index].value
            parameters[index].update { $0 = average }
        }
    }

    // MARK: The state

    /// What is kept from step to step. Taking it copies no values.
    public var state: OptimizerState {
        var state = OptimizerState(steps: steps)
        for (parameter, memory) in zip(parameters, memory) {
            guard let memory else { continue }
            state.tensors[parameter.name + ".steps"] = Tensor([1], [Float(memory.steps)])
            state.tensors[parameter.name + ".moved"] = Tensor([memory.moved.count], memory.moved.map { $0 ? 1 : 0 })
            for (part, tensor) in zip(rule.memory(of: parameter.shape), memory.tensors) {
                state.tensors[parameter.name + "." + part.name] = tensor
            }
        }
        for (parameter, average) in zip(parameters, averages) { state.tensors[parameter.name + ".average"] = average }
        return state
    }

    /// Goes on where another optimizer with the same rule and the same parameters was.
    public func restore(_ state: OptimizerState) throws(OptimizerState.Mismatch) {
        var restored: [ParameterMemory?] = []
        for parameter in parameters {
            guard state.tensors[parameter.name + ".steps"] != nil else {
                restored.append(nil)
                continue
            }
            let parts = rule.memory(of: parameter.shape)
            var memory = ParameterMemory([], parameter.shape)
            memory.steps = Int(try state.tensor(parameter.name + ".steps", [1]).values[0])
            memory.moved = try state.tensor(parameter.name + ".moved", [parameter.shape.rows]).values.map { $0 != 0 }
            for part in parts {
                memory.tensors.append(try state.tensor(parameter.name + "." + part.name, part.shape))
            }
            restored.append(memory)
        }
        var averages: [Tensor] = []
        // A state from before the first step has them too.
        if averageDecay != nil, !state.tensors.isEmpty {
            for parameter in parameters {
                averages.append(try state.tensor(parameter.name + ".average", parameter.shape))
            }
            self.averages = averages
        }
        steps = state.steps
        memory = restored
    }
}
