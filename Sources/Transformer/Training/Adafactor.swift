public import Tensors

/// Adaptive learning rates whose memory is a row and a column of each matrix.
///
/// Source: Shazeer and Stern 2018, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", algorithms 4 and 5, as
/// transformers' `Adafactor` computes it without a first moment.
public struct Adafactor: UpdateRule {
    /// Whether steps are relative to the size of a tensor's values, at most a hundredth of it, and fall with the root of the
    /// number of steps; else they follow the learning rate.
    public var isRelative: Bool

    public init(isRelative: Bool = false) { self.isRelative = isRelative }

    public func memory(of shape: Shape) -> [(name: String, shape: Shape)] {
        shape.dimensions.count < 2
            ? [("squares", shape)] : [("row_squares", [shape.rows]), ("column_squares", [shape.columns])]
    }

    public func update(
        _ value: inout Tensor, _ memory: inout ParameterMemory, _ gradient: Parameter.Gradient, _ step: ParameterStep
    ) {
        let rate = isRelative ? relativeRate(value, step) : step.learningRate
        let step = AdafactorStep(
            learningRate: rate, weightDecay: step.weightDecay, gradientScale: step.gradientScale, step: step.step)
        guard value.shape.dimensions.count > 1 else {
            step.apply(to: &value, squares: &memory.tensors[0], gradient: gradient.dense)
            return
        }
        let rows: SparseRows
        switch gradient {
        case .dense(let gradient): rows = SparseRows(allRowsOf: gradient)
        case .rows(let some): rows = some
        }
        var (rowSquares, columnSquares) = (memory.tensors[0], memory.tensors[1])
        step.apply(to: &value, &rowSquares, &columnSquares, gradient: rows)
        memory.tensors = [rowSquares, columnSquares]
    }

    private func relativeRate(_ value: Tensor, _ step: ParameterStep) -> Float {
        let size = (value.sumOfSquares / Double(value.count)).squareRoot()
        let relative = min(1e-2, 1 / Double(step.step).squareRoot())
        return Float(max(1e-3, size) * relative * step.rateFactor)
    }
}
