import Tensors

/// The mean and the deviation of every feature.
struct FeatureScales {
    let means: [Float]
    /// 1 of a feature that never changes.
    let deviations: [Float]

    init(_ rows: Tensor) {
        let (count, columns) = (Double(rows.rows), rows.columns)
        var sums = [Double](repeating: 0, count: columns)
        var squares = sums
        for (place, value) in rows.values.enumerated() { sums[place % columns] += Double(value) }
        for (place, value) in rows.values.enumerated() {
            let difference = Double(value) - sums[place % columns] / count
            squares[place % columns] += difference * difference
        }
        means = sums.map { Float($0 / count) }
        deviations = squares.map { $0 > 1e-12 * count ? Float(($0 / count).squareRoot()) : 1 }
    }

    func standardized(_ rows: Tensor) -> Tensor {
        var rows = rows
        let columns = rows.columns
        rows.mutate { values in
            for i in values.indices { values[i] = (values[i] - means[i % columns]) / deviations[i % columns] }
        }
        return rows
    }
}
