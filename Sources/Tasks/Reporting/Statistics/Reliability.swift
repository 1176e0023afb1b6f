package import Tensors

/// How far scores are the probabilities that they look like.
///
/// Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", §2: 15 bins of equal width.
public struct Reliability: Equatable, Sendable {
    public struct Bin: Equatable, Sendable {
        public let range: ClosedRange<Double>
        public let count: Int
        /// 0 where the bin is empty.
        public let meanScore: Double
        /// 0 where the bin is empty.
        public let shareRight: Double
    }

    public let bins: [Bin]

    /// - Parameters:
    ///   - scores: from 0 to 1.
    ///   - isRight: of each score, whether what it was given to is so.
    public init(scores: [Float], isRight: [Bool], bins count: Int = 15) {
        precondition(scores.count == isRight.count, "\(scores.count) scores, \(isRight.count) outcomes")
        var sums = [(count: Int, score: Double, right: Int)](repeating: (0, 0, 0), count: count)
        for (score, isRight) in zip(scores, isRight) where score.isFinite {
            // A bin holds its upper bound, as in the source.
            let bin = min(count - 1, max(0, Int((Double(score) * Double(count)).rounded(.up)) - 1))
            sums[bin] = (sums[bin].count + 1, sums[bin].score + Double(score), sums[bin].right + (isRight ? 1 : 0))
        }
        bins = sums.enumerated().map { index, sum in
            let size = Double(max(1, sum.count))
            return Bin(
                range: Double(index) / Double(count)...Double(index + 1) / Double(count), count: sum.count,
                meanScore: sum.score / size, shareRight: Double(sum.right) / size)
        }
    }

    /// The mean distance of scores from the share of right ones, over all scores.
    public var expectedCalibrationError: Double {
        let all = bins.reduce(0) { $0 + $1.count }
        guard all > 0 else { return 0 }
        return bins.reduce(0) { $0 + Double($1.count) / Double(all) * abs($1.meanScore - $1.shareRight) }
    }
}

extension Targets {
    /// Of scores how far they are probabilities: of single labels that of the best one, of sets of labels all.
    ///
    /// - Returns: `nil` for numbers.
    package func reliability(_ scores: Tensor) -> Reliability? {
        switch self {
        case .classes(let classes):
            let best = (0..<scores.rows).map { scores.bestColumn(ofRow: $0) }
            return Reliability(
                scores: best.enumerated().map { scores.values[$0 * scores.columns + $1] },
                isRight: zip(best, classes).map { $0 == $1 })
        case .labelSets(let sets): return Reliability(scores: scores.values, isRight: sets.values.map { $0 > 0.5 })
        case .values, .tags: return nil
        }
    }
}

extension Tensor {
    /// The column of the largest value of a row.
    func bestColumn(ofRow row: Int) -> Int {
        let values = self.row(row)
        return values.indices.max { values[$0] < values[$1] }! - values.startIndex
    }
}
