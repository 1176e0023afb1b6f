import Tensors

/// A low-rank update of a matrix: `x·Wᵀ + scale·dropout(x)·Aᵀ·Bᵀ + b`. With magnitudes, the rows of the sum are scaled to
/// them: `(m / ‖W + scale·B·A‖) ⊙ (x·Wᵀ + scale·x·Aᵀ·Bᵀ) + b`, where the norm counts as a constant.
///
/// Sources: Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models", §4.1; Liu et al. 2024, "DoRA:
/// Weight-Decomposed Low-Rank Adaptation", §4.1 and §4.3.
public final class LoRA {
    public let a: Parameter  // [rank, inputSize]
    public let b: Parameter  // [outputSize, rank]
    public let magnitudes: Parameter?  // [outputSize]
    let scale: Float
    let dropout: Float

    struct Saved: Sendable {
        let mask: DropoutMask?
        /// `scale·dropout(x)·Aᵀ`, `[tokens, rank]`
        let inner: ProductOperand
        let direction: Direction?
    }

    /// Of an update with magnitudes.
    struct Direction: Sendable {
        /// What the magnitudes multiply, `[tokens, outputSize]`.
        let output: Tensor
        /// `1 / ‖W + scale·B·A‖` and that times the magnitude, `[outputSize]`.
        let inverseNorm, factor: Tensor
    }

    init(a: Parameter, b: Parameter, magnitudes: Parameter?, scale: Float, dropout: Float) {
        self.a = a
        self.b = b
        self.magnitudes = magnitudes
        self.scale = scale
        self.dropout = dropout
    }

    var parameters: [Parameter] { [a, b] + (magnitudes.map { [$0] } ?? []) }

    /// - Parameter base: `x·Wᵀ`, with the bias where there are no magnitudes.
    /// - Returns: the layer's output.
    func forward(
        _ input: ProductOperand, base: Tensor, _ layer: Linear, training random: RandomSource?
    ) -> (output: Tensor, saved: Saved) {
        let mask = DropoutMask(probability: dropout, random: random)
        let dropped = input.dropping(mask)
        var inner = matmul(dropped, a.packed(layer.forwardPacking))
        inner.scale(by: scale)
        let operand = ProductOperand(inner, input.precision)
        let update = b.packed(layer.forwardPacking)
        guard let magnitudes else {
            var output = base
            output.addProduct(operand, update)
            return (output, Saved(mask: mask, inner: operand, direction: nil))
        }
        let inverseNorm = inverseNorm(layer.weight.value)
        let factor = magnitudes.value * inverseNorm
        var direction = mask == nil ? base : layer.product(dropped)
        var rest: Tensor?
        if mask != nil {
            // The base reads what is dropped here.
            var difference = direction
            difference.scale(by: -1)
            rest = difference + base
        }
        direction.addProduct(operand, update)
        var output = direction.scaledRows(weight: factor, bias: layer.bias?.value)
        if let rest { output += rest }
        return (
            output,
            Saved(
                mask: mask, inner: operand,
                direction: Direction(output: direction, inverseNorm: inverseNorm, factor: factor))
        )
    }

    /// Adds to the gradients of the update, and adds the gradient of the input to `sum`.
    func backward(
        _ gradient: Tensor, _ input: ProductOperand, _ saved: Saved, _ layer: Linear, into sum: inout Tensor?
    ) {
        var output = gradient
        if let direction = saved.direction, let magnitudes {
            magnitudes.accumulate {
                $0.addSumOfRows((gradient * direction.output).scaledRows(weight: direction.inverseNorm, bias: nil))
            }
            output = gradient.scaledRows(weight: direction.factor, bias: nil)
        }
        let operand = ProductOperand(output, input.precision)
        b.accumulate(transposed: operand, saved.inner)
        var product: Tensor?
        layer.addProduct(operand, with: b, to: &product)
        guard var inner = product else { return }
        inner.scale(by: scale)
        let innerOperand = ProductOperand(inner, input.precision)
        a.accumulate(transposed: innerOperand, input.dropping(saved.mask))
        guard let mask = saved.mask else {
            layer.addProduct(operand, with: layer.weight, to: &sum)
            return layer.addProduct(innerOperand, with: a, to: &sum)
        }
        layer.addProduct(ProductOperand(gradient, input.precision), with: layer.weight, to: &sum)
        var dropped: Tensor?
        if saved.direction != nil {
            var difference = gradient
            difference.scale(by: -1)
            difference += output
            layer.addProduct(ProductOperand(difference, input.precision), with: layer.weight, to: &dropped)
        }
        layer.addProduct(innerOperand, with: a, to: &dropped)
        dropped?.apply(mask)
        if let dropped { sum = sum.map { $0 + dropped } ?? dropped }
    }

    /// The matrix with the update in it, `[outputSize, inputSize]`.
    func folded(into weight: Tensor) -> Tensor {
        var sum = matmul(b.value, a.value)
        sum.scale(by: scale)
        sum += weight
        guard let magnitudes else { return sum }
        return sum.scaledEachRow(by: magnitudes.value * sum.inverseRowNorms())
    }

    /// The lengths of a matrix's rows, from which its magnitudes start.
    static func magnitudes(of weight: Tensor) -> Tensor {
        Tensor([weight.rows], weight.inverseRowNorms().values.map { 1 / $0 })
    }

    private func inverseNorm(_ weight: Tensor) -> Tensor {
        var sum = matmul(b.value, a.value)
        sum.scale(by: scale)
        sum += weight
        return sum.inverseRowNorms()
    }
}
