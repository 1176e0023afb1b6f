import Tensors

/// Learned factors of a layer's outputs, `l ⊙ (x·Wᵀ + b)`, or of its inputs, `(l ⊙ x)·Wᵀ + b`.
///
/// Source: Liu et al. 2022, "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning", §3.3.
public final class IA3 {
    /// `[outputSize, 1]`, or `[1, inputSize]`, as PEFT has them.
    public let factors: Parameter
    let scalesInput: Bool

    init(factors: Parameter, scalesInput: Bool) {
        self.factors = factors
        self.scalesInput = scalesInput
    }

    private var row: Tensor { factors.value.reshaped([factors.shape.count]) }

    func scale(_ values: Tensor) -> Tensor { values.scaledRows(weight: row, bias: nil) }

    /// Adds to the gradient of the factors.
    ///
    /// - Parameters: the gradient of what `scale` gave, and what it was given.
    /// - Returns: the gradient of what `scale` was given.
    func backward(_ gradient: Tensor, _ values: Tensor) -> Tensor {
        factors.accumulate { $0.addSumOfRows((gradient * values).reshaped(values.shape)) }
        return scale(gradient)
    }

    /// Matrix and bias with the factors in them.
    func folded(into weight: Tensor, _ bias: Tensor?) -> (weight: Tensor, bias: Tensor?) {
        scalesInput ? (scale(weight), bias) : (weight.scaledEachRow(by: row), bias.map { $0 * row })
    }
}
