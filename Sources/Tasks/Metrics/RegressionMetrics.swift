public import Tensors

/// How well predicted numbers agree with given ones: where an example has several, the mean over these.
public struct RegressionMetrics: Codable, Equatable, Sendable {
    public let examples: Int
    /// The linear correlation; `nil` where either side of any is constant, or a prediction is not a number.
    public let pearson: Double?
    /// The correlation of the ranks, equal values sharing the mean of theirs.
    ///
    /// Source: Spearman 1904, "The Proof and Measurement of Association between Two Things".
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
        pearson = Self.mean(columns.map { Self.correlation($0, $1) })
        spearman = Self.mean(columns.map { Self.correlation(Self.ranks($0), Self.ranks($1)) })
    }

    private static func column(_ column: Int, of tensor: Tensor) -> [Double] {
        (0..<tensor.rows).map { Double(tensor.values[$0 * tensor.columns + column]) }
    }

    private static func mean(_ values: [Double?]) -> Double? {
        let known = values.compactMap { $0 }
        return known.count == values.count ? known.reduce(0, +) / Double(known.count) : nil
    }

    private static func correlation(_ x: [Double], _ y: [Double]) -> Double? {
        let count = Double(x.count)
        let (meanX, meanY) = (x.reduce(0, +) / count, y.reduce(0, +) / count)
        var (xx, yy, xy) = (0.0, 0.0, 0.0)
        for (a, b) in zip(x, y) {
            xx += (a - meanX) * (a - meanX)
            yy += (b - meanY) * (b - meanY)
            xy += (a - meanX) * (b - meanY)
        }
        return xx > 0 && yy > 0 && (xx * yy).isFinite ? xy / (xx * yy).squareRoot() : nil
    }

    private static func ranks(_ values: [Double]) -> [Double] {
        if !values.allSatisfy(\.isFinite) { return values }
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for place in start..<end { ranks[order[place]] = Double(start + end - 1) / 2 }
            start = end
        }
        return ranks
    }
}
