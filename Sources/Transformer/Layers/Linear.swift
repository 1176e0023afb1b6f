public import Checkpoints
public import Tensors

/// `y = x·Wᵀ + b`, or without `b`.
public final class Linear {
    public let weight: Parameter  // [outputSize, inputSize]
    public let bias: Parameter?  // [outputSize]

    /// Of the products, in both passes; the weights, their gradients and all sums are f32. f32, or bf16 where available.
    public var precision = Precision.f32

    public struct Saved: Sendable {
        let input: ProductOperand  // [tokens, inputSize]
    }

    public init(
        _ scope: ParameterScope, inputSize: Int, outputSize: Int, hasBias: Bool = true, standardDeviation: Float
    ) throws(CheckpointError) {
        weight = try scope.parameter("weight", [outputSize, inputSize], .normal(standardDeviation: standardDeviation))
        bias = hasBias ? try scope.parameter("bias", [outputSize], .zeros) : nil
    }

    /// A layer that shares its matrix with somebody else.
    public init(weight: Parameter, bias: Parameter?) {
        self.weight = weight
        self.bias = bias
    }

    /// Keeps the weights packed until they change. Call it before several threads use the layer.
    public func pack() {
        weight.pack(Parameter.Packing(isTransposed: true, precision: precision))
        // In f32 the plain matrix is read nearly as fast as a packed one.
        if precision != .f32, weight.isTrainable {
            weight.pack(Parameter.Packing(isTransposed: false, precision: precision))
        }
    }

    public func forward(_ input: Tensor) -> (output: Tensor, saved: Saved) {
        forward(ProductOperand(input, precision))
    }

    /// - Precondition: the input is in the layer's precision.
    public func forward(_ input: ProductOperand) -> (output: Tensor, saved: Saved) {
        let weights = weight.packed(Parameter.Packing(isTransposed: true, precision: precision))
        return (matmul(input, weights, bias: bias?.value), Saved(input: input))
    }

    /// Adds to the gradients of `weight` and `bias`, and returns the gradient of the input.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        let operand = accumulate(gradient, saved)
        return precision == .f32 ? matmul(gradient, weight.value) : matmul(operand, packedForBackward)
    }

    /// Adds to the gradients of `weight` and `bias`, and adds the gradient of the input to `inputGradient`.
    public func backward(_ gradient: Tensor, _ saved: Saved, addingTo inputGradient: inout Tensor) {
        let operand = accumulate(gradient, saved)
        if precision == .f32 {
            inputGradient.addProduct(gradient, weight.value)
        } else {
            inputGradient.addProduct(operand, packedForBackward)
        }
    }

    /// Adds to the gradients of `weight` and `bias`, where nothing below needs a gradient.
    @discardableResult
    public func accumulate(_ gradient: Tensor, _ saved: Saved) -> ProductOperand {
        let operand = ProductOperand(gradient, precision)
        weight.accumulate(transposed: operand, saved.input)
        bias?.accumulate { $0.addSumOfRows(gradient) }
        return operand
    }

    private var packedForBackward: PackedMatrix {
        weight.packed(Parameter.Packing(isTransposed: false, precision: precision))
    }
}
