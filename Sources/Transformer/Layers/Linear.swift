public import Checkpoints
public import Tensors

/// `y = x·Wᵀ + b`, or without `b`; with an adapter, what that makes of it.
public final class Linear {
    public let weight: Parameter  // [outputSize, inputSize]
    public let bias: Parameter?  // [outputSize]

    /// Of the products, in both passes; the weights, their gradients and all sums are f32. f32, or bf16 where available.
    public var precision = Precision.f32

    /// What an adapter does to the layer.
    enum Adapter {
        case lora(LoRA)
        case ia3(IA3)
    }

    var adapter: Adapter?

    public struct Saved: Sendable {
        let input: ProductOperand  // [tokens, inputSize]
        var adapter: AdapterSaved?
    }

    enum AdapterSaved: Sendable {
        case lora(LoRA.Saved)
        /// What was scaled.
        case ia3(Tensor)
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

    /// The layer's place in the published checkpoint.
    public var module: String { String(weight.name.dropLast(".weight".count)) }
    /// Whether a parameter of the layer or of its adapter learns.
    var learns: Bool {
        switch adapter {
        case nil: weight.isTrainable || (bias?.isTrainable ?? false)
        case .lora(let lora): lora.parameters.contains(where: \.isTrainable)
        case .ia3(let ia3): ia3.factors.isTrainable
        }
    }
    public var inputSize: Int { weight.shape.columns }
    public var outputSize: Int { weight.shape.rows }

    // MARK: Packed weights

    var forwardPacking: Parameter.Packing { Parameter.Packing(isTransposed: true, precision: precision) }
    var backwardPacking: Parameter.Packing { Parameter.Packing(isTransposed: false, precision: precision) }

    /// Keeps the weights packed until they change. Call it before several threads use the layer.
    ///
    /// - Parameter backward: whether the gradient of the input will be asked for.
    public func pack(backward: Bool = true) {
        weight.pack(forwardPacking)
        // In f32 the plain matrix is read nearly as fast as a packed one.
        if precision != .f32, backward { weight.pack(backwardPacking) }
        guard case .lora(let lora) = adapter else { return }
        for matrix in [lora.a, lora.b] {
            matrix.pack(forwardPacking)
            if precision != .f32 { matrix.pack(backwardPacking) }
        }
    }

    /// Gives the memory of packed matrices back.
    func unpack() {
        weight.unpack()
        guard case .lora(let lora) = adapter else { return }
        for matrix in [lora.a, lora.b] { matrix.unpack() }
    }

    // MARK: Forward

    public func forward(_ input: Tensor, training random: RandomSource? = nil) -> (output: Tensor, saved: Saved) {
        forward(ProductOperand(input, precision), training: random)
    }

    /// - Precondition: the input is in the layer's precision.
    /// - Parameter random: drops what an adapter reads, where it is given.
    public func forward(
        _ input: ProductOperand, training random: RandomSource? = nil
    ) -> (output: Tensor, saved: Saved) {
        switch adapter {
        case nil: return (product(input, bias: bias?.value), Saved(input: input))
        case .lora(let lora):
            let base = product(input, bias: lora.magnitudes == nil ? bias?.value : nil)
            let (output, saved) = lora.forward(input, base: base, self, training: random)
            return (output, Saved(input: input, adapter: .lora(saved)))
        case .ia3(let ia3) where ia3.scalesInput:
            let values = input.tensor
            let scaled = ProductOperand(ia3.scale(values), precision)
            return (product(scaled, bias: bias?.value), Saved(input: scaled, adapter: .ia3(values)))
        case .ia3(let ia3):
            let output = product(input, bias: bias?.value)
            return (ia3.scale(output), Saved(input: input, adapter: .ia3(output)))
        }
    }

    func product(_ input: ProductOperand, bias: Tensor? = nil) -> Tensor {
        matmul(input, weight.packed(forwardPacking), bias: bias)
    }

    // MARK: Backward

    /// Adds to the gradients of `weight`, `bias` and the adapter, and returns the gradient of the input.
    public func backward(_ gradient: Tensor, _ saved: Saved) -> Tensor {
        var sum: Tensor?
        backward(gradient, saved, into: &sum)
        return sum ?? .zeros([gradient.rows, inputSize])
    }

    /// Adds to the gradients of `weight`, `bias` and the adapter, and adds the gradient of the input to `inputGradient`.
    public func backward(_ gradient: Tensor, _ saved: Saved, addingTo inputGradient: inout Tensor) {
        var sum: Tensor? = inputGradient
        inputGradient = .zeros([0])
        backward(gradient, saved, into: &sum)
        if let sum { inputGradient = sum }
    }

    /// - Parameter sum: what the gradient of the input is added to; `nil` becomes it.
    private func backward(_ gradient: Tensor, _ saved: Saved, into sum: inout Tensor?) {
        switch (adapter, saved.adapter) {
        case (nil, nil):
            addProduct(accumulate(gradient, saved), with: weight, to: &sum)
        case (.lora(let lora), .lora(let inner)):
            bias?.accumulate { $0.addSumOfRows(gradient) }
            lora.backward(gradient, saved.input, inner, self, into: &sum)
        case (.ia3(let ia3), .ia3(let values)) where ia3.scalesInput:
            var scaled: Tensor?
            addProduct(accumulate(gradient, saved), with: weight, to: &scaled)
            guard let scaled else { return }
            let inner = ia3.backward(scaled, values)
            sum = sum.map { $0 + inner } ?? inner
        case (.ia3(let ia3), .ia3(let values)):
            addProduct(accumulate(ia3.backward(gradient, values), saved), with: weight, to: &sum)
        default: preconditionFailure("another adapter than in the forward pass")
        }
    }

    /// Adds to the gradients of `weight` and `bias`, where nothing below needs a gradient.
    @discardableResult
    private func accumulate(_ gradient: Tensor, _ saved: Saved) -> ProductOperand {
        let operand = ProductOperand(gradient, precision)
        weight.accumulate(transposed: operand, saved.input)
        bias?.accumulate { $0.addSumOfRows(gradient) }
        return operand
    }

    /// Adds `G·M`.
    func addProduct(_ gradient: ProductOperand, with matrix: Parameter, to sum: inout Tensor?) {
        if var total = sum {
            sum = nil
            if precision == .f32 {
                total.addProduct(gradient.tensor, matrix.value)
            } else {
                total.addProduct(gradient, matrix.packed(backwardPacking))
            }
            sum = total
        } else {
            sum =
                precision == .f32
                ? matmul(gradient.tensor, matrix.value) : matmul(gradient, matrix.packed(backwardPacking))
        }
    }

    // MARK: Inference

    /// Matrix and bias with what a foldable adapter does to them.
    var folded: (weight: StoredTensor, bias: Tensor?) {
        switch adapter {
        case nil: return (weight.stored, bias?.value)
        case .lora(let lora): return (StoredTensor(lora.folded(into: weight.stored.tensor)), bias?.value)
        case .ia3(let ia3):
            let (matrix, row) = ia3.folded(into: weight.stored.tensor, bias?.value)
            return (StoredTensor(matrix), row)
        }
    }
}
