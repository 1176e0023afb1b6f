public import Checkpoints
public import Tensors

/// `y = x·Wᵀ + b`
public final class Linear {
    public let weight: Parameter  // [outputSize, inputSize]
    public let bias: Parameter  // [outputSize]

    public struct Saved: Sendable {
        let input: Tensor  // [tokens, inputSize]
    }

    public init(
        _ scope: ParameterScope, inputSize: Int, outputSize: Int, standardDeviation: Float
    ) throws(CheckpointError) {
        weight = try scope.parameter("weight", [outputSize, inputSize], .normal(standardDeviation: standardDeviation))
        bias = try scope.parameter("bias", [outputSize], .zeros)
    }

    /// Keeps the weights packed until they change. Call it before several threads use the layer.
    public func pack() { weight.pack() }

    public func forward(_ input: Tensor) -> (output: Tensor, saved: Saved) {
        (matmul(input, weight.packedTranspose, bias: bias.value), Saved(input: input))
    }

    /// Adds to the gradients of `weight` and `bias`, and returns the gradient of the input.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        accumulate(gradient, saved)
        return matmul(gradient, weight.value)
    }

    /// Adds to the gradients of `weight` and `bias`, and adds the gradient of the input to `inputGradient`.
    public func backward(_ gradient: Tensor, _ saved: Saved, addingTo inputGradient: inout Tensor) {
        accumulate(gradient, saved)
        inputGradient.addProduct(gradient, weight.value)
    }

    /// Adds to the gradients of `weight` and `bias`, where nothing below needs a gradient.
    public func accumulate(_ gradient: Tensor, _ saved: Saved) {
        weight.accumulate(product: gradient.transposed, saved.input)
        bias.accumulate { $0.addSumOfRows(gradient) }
    }
}
