import Tensors

/// Rows scaled to length 1, with what the backward pass needs.
struct UnitRows: Sendable {
    /// `[rows, columns]`
    let rows: Tensor
    /// `1 / ‖x‖` of every row.
    private let inverseNorms: Tensor

    init(_ vectors: Tensor) {
        inverseNorms = vectors.inverseRowNorms()
        rows = vectors.scaledEachRow(by: inverseNorms)
    }

    /// `(g - u·(g·u)) / ‖x‖`
    func backward(_ gradient: Tensor) -> Tensor {
        var result = gradient
        result.add(rows, rowsTimes: gradient.rowProducts(rows).map { -$0 })
        return result.scaledEachRow(by: inverseNorms)
    }
}
