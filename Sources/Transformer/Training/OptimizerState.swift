public import Tensors

/// What an optimizer keeps from step to step, to be written to a file and restored from it.
public struct OptimizerState: Equatable, Sendable {
    /// The steps taken.
    public var steps: Int
    /// By names that begin with the parameter's; none before the first step.
    public var tensors: [String: Tensor]

    public init(steps: Int = 0, tensors: [String: Tensor] = [:]) {
        self.steps = steps
        self.tensors = tensors
    }

    /// A tensor that should be there, in this shape, is not.
    public struct Mismatch: Error, Equatable, CustomStringConvertible {
        public let name: String
        public let found: Shape?
        public let expected: Shape

        public var description: String {
            "the optimizer's \"\(name)\" is \(found.map { "\($0)" } ?? "missing"); expected \(expected)"
        }
    }

    /// The tensor of a name, in a shape.
    public func tensor(_ name: String, _ shape: Shape) throws(Mismatch) -> Tensor {
        guard let tensor = tensors[name], tensor.shape == shape else {
            throw Mismatch(name: name, found: tensors[name]?.shape, expected: shape)
        }
        return tensor
    }
}
