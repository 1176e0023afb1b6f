import Tensors

extension DevAnalysis {
    /// A number with the range that holds it with a confidence of 95 %.
    package struct Estimate: Equatable, Sendable {
        package let name: String
        package let value: Double
        package let interval: ClosedRange<Double>
        /// Whether it is a share, which shows in percent.
        var isShare = true
    }

    package struct LabelEstimates: Equatable, Sendable {
        package let label: String
        package let support: Int
        package let precision: Estimate
        package let recall: Estimate
        package let f1: Estimate
    }

    /// The numbers that stand for the whole. Shares have Wilson's intervals, all others those of the bootstrap.
    func headline(_ intervals: [ClosedRange<Double>]) -> [Estimate] {
        switch metrics {
        case .classification(let metrics):
            return [
                Estimate(name: "accuracy", value: metrics.accuracy, interval: metrics.accuracyInterval),
                Estimate(name: "macro-F1", value: metrics.macroF1, interval: intervals[labels.count]),
            ]
        case .multiLabel(let metrics):
            return [
                Estimate(name: "micro-F1", value: metrics.micro.f1, interval: intervals[labels.count + 1]),
                Estimate(name: "macro-F1", value: metrics.macroF1, interval: intervals[labels.count]),
                Estimate(
                    name: "exact match", value: metrics.exactMatch,
                    interval: wilsonInterval(metrics.exactMatches, of: metrics.examples)),
            ]
        case .regression(let metrics): return regressionEstimates(metrics)
        case .entities, .sentences: return []
        }
    }

    /// Empty for numbers.
    func perLabel(_ intervals: [ClosedRange<Double>], _ outcomes: LabelOutcomes?) -> [LabelEstimates] {
        guard let outcomes else { return [] }
        return outcomes.counts(of: 0..<examples).enumerated().map { index, count in
            LabelEstimates(
                label: labels[index], support: count.support,
                precision: Estimate(
                    name: "precision", value: count.precision,
                    interval: wilsonInterval(count.truePositives, of: count.truePositives + count.falsePositives)),
                recall: Estimate(
                    name: "recall", value: count.recall,
                    interval: wilsonInterval(count.truePositives, of: count.support)),
                f1: Estimate(name: "F1", value: count.f1, interval: intervals[index]))
        }
    }

    /// The numbers of the whole and of each label, with their intervals.
    package var estimates: (headline: [Estimate], perLabel: [LabelEstimates]) {
        let outcomes = LabelOutcomes(targets, scores, labels: labels.count, threshold: threshold)
        let intervals = outcomes.map(f1Intervals) ?? []
        return (headline(intervals), perLabel(intervals, outcomes))
    }

    /// Of the F1 of every label, of their mean, and of the micro-F1.
    private func f1Intervals(_ outcomes: LabelOutcomes) -> [ClosedRange<Double>] {
        Bootstrap.intervals(examples: examples) { rows in
            let counts = outcomes.counts(of: rows)
            let f1 = counts.map(\.f1)
            let micro = counts.reduce(into: MultiLabelMetrics.Counts()) { $0 += $1 }
            return f1 + [f1.reduce(0, +) / Double(max(1, f1.count)), micro.f1]
        }
    }

    private func regressionEstimates(_ metrics: RegressionMetrics) -> [Estimate] {
        guard case .values(let values) = targets else { return [] }
        let intervals = Bootstrap.intervals(examples: examples) { rows in
            let places = rows.map { Int32($0) }
            let sample = RegressionMetrics(targets: values.gather(places), predictions: scores.gather(places))
            return [sample.pearson ?? .nan, sample.spearman ?? .nan, sample.mae, sample.mse.squareRoot()]
        }
        let numbers = [
            ("Pearson", metrics.pearson), ("Spearman", metrics.spearman), ("absolute error", metrics.mae),
            ("root of squared error", metrics.mse.squareRoot()),
        ]
        return zip(numbers, intervals).compactMap { number, interval in
            number.1.map { Estimate(name: number.0, value: $0, interval: interval, isShare: false) }
        }
    }

    /// Of sets of labels: precision, recall and F1 of all decisions together by the score from which on labels are given.
    var thresholdCurve: [(threshold: Double, counts: MultiLabelMetrics.Counts)] {
        guard case .labelSets(let sets) = targets else { return [] }
        return stride(from: 0.05, through: 0.951, by: 0.05).map { threshold in
            var counts = MultiLabelMetrics.Counts()
            for (target, score) in zip(sets.values, scores.values) {
                switch (target > 0.5, Double(score) >= threshold) {
                case (true, true): counts.truePositives += 1
                case (false, true): counts.falsePositives += 1
                case (true, false): counts.falseNegatives += 1
                case (false, false): break
                }
            }
            return (threshold, counts)
        }
    }
}
