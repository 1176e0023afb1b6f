import Embeddings
public import Tensors

/// How well predicted numbers agree with given ones: where an example has several, the mean over these.
public struct RegressionMetrics: Codable, Equatable, Sendable {
    public let examples: Int
    /// The linear correlation; `nil` where either side of any is constant, or a prediction is not a number.
    public let pearson: Double?
    /// The correlation of the ranks.
    public let spearman: Double?
    /// The mean squared error.
    public let mse: Double
    /// The mean absolute error.
    public let mae: Double

    /// - Parameters:
    ///   - targets: `[examples, numbers]`
    ///   - predictions: of the same shape.
    public init(targets: Tensor, predictions: Tensor) {
        precondition(targets.shape == predictions.shape, "targets \(targets.shape), predictions \(predictions.shape)")
        examples = targets.rows
        let count = Double(max(1, targets.count))
        let differences = zip(targets.values, predictions.values).map { Double($0) - Double($1) }
        mse = differences.reduce(0) { $0 + $1 * $1 } / count
        mae = differences.reduce(0) { $0 + abs($1) } / count
        let columns = (0..<targets.columns).map { column in
            (Self.column(column, of: targets), Self.column(column, of: predictions))
        }
        pearson = Self.mean(columns.map { Correlation.pearson($0, $1) })
        spearman = Self.mean(columns.map { Correlation.spearman($0, $1) })
    }

    private static func column(_ column: Int, of tensor: Tensor) -> [Double] {
        (0..<tensor.rows).map { Double(tensor.values[$0 * tensor.columns + column]) }
    }

    private static func mean(_ values: [Double?]) -> Double? {
        let known = values.compactMap { $0 }
        return known.count == values.count ? known.reduce(0, +) / Double(known.count) : nil
    }
}
