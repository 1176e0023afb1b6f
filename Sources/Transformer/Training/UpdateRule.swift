public import Tensors

/// The equations of an optimizer: how a tensor moves along its gradient.
///
/// The gradient of a table may be of some rows alone. The result is the one that zeros in all other rows would give.
public protocol UpdateRule: Sendable {
    /// What is kept of a tensor from step to step, all of it zeros before the first.
    func memory(of shape: Shape) -> [(name: String, shape: Shape)]

    /// Takes one step.
    func update(
        _ value: inout Tensor, _ memory: inout ParameterMemory, _ gradient: Parameter.Gradient, _ step: ParameterStep)
}

/// What an optimizer keeps of one parameter.
public struct ParameterMemory: Equatable, Sendable {
    /// Those that the rule asked for, in its order.
    public var tensors: [Tensor]
    /// Of a table: the rows that ever had a gradient.
    public var moved: [Bool]
    /// How often the parameter had a gradient.
    public var steps = 0

    init(_ parts: [(name: String, shape: Shape)], _ shape: Shape) {
        tensors = parts.map { .zeros($0.shape) }
        moved = [Bool](repeating: false, count: shape.rows)
    }

    /// Notes a gradient of all rows.
    mutating func moveAll() {
        for row in moved.indices { moved[row] = true }
    }
}

/// The numbers of one parameter's step.
public struct ParameterStep: Equatable, Sendable {
    public var learningRate: Float
    /// That of the parameter's group, which is part of the learning rate already.
    public var rateFactor: Double
    public var weightDecay: Float
    /// Multiplies every gradient: gradient clipping.
    public var gradientScale: Float
    /// Of this parameter, counts from 1.
    public var step: Int
}
