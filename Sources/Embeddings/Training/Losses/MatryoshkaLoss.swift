public import Tensors
public import Transformer

/// The sum of a loss over the first columns of the vectors, scaled to length 1: vectors that may be cut.
///
/// Source: Kusupati et al. 2022, "Matryoshka Representation Learning", §3.
public struct MatryoshkaLoss: SentenceLoss {
    private let loss: any SentenceLoss
    /// How many columns, and what their loss counts.
    private let dimensions: [(size: Int, weight: Double)]

    /// - Parameter weights: as many as dimensions; `nil` is 1 for all.
    public init(_ loss: any SentenceLoss, dimensions: [Int], weights: [Double]? = nil) {
        precondition(weights.map { $0.count == dimensions.count } != false, "a weight for each dimension")
        self.loss = loss
        self.dimensions = dimensions.indices.map { (dimensions[$0], weights?[$0] ?? 1) }
    }

    public var parameters: [Parameter] { loss.parameters }

    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        var sum = 0.0
        var gradients = columns.map { Tensor.zeros($0.shape) }
        for (size, weight) in dimensions {
            let parts = columns.map { UnitRows($0.columns(0..<size)) }
            let (value, inner) = loss.evaluate(parts.map(\.rows), targets)
            sum += weight * value
            for (index, part) in parts.enumerated() {
                var gradient = part.backward(inner[index])
                gradient.scale(by: Float(weight))
                let rest = columns[index].columns - size
                gradients[index] +=
                    rest == 0 ? gradient : Tensor(columns: [gradient, .zeros([gradient.rows, rest])])
            }
        }
        return (sum, gradients)
    }
}
