/// Correlations of two lists: linear, and of the ranks, where equal values share the mean of theirs.
public struct RankCorrelation: Equatable, Sendable {
    /// `nil` where a list is constant or a value is not finite.
    public let pearson: Double?
    /// Source: Spearman 1904, "The Proof and Measurement of Association between Two Things".
    public let spearman: Double?

    /// - Precondition: as many values in both.
    public init(_ x: [Double], _ y: [Double]) {
        precondition(x.count == y.count, "\(x.count) and \(y.count) values")
        pearson = Self.correlation(x, y)
        spearman = Self.correlation(Self.ranks(x), Self.ranks(y))
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
