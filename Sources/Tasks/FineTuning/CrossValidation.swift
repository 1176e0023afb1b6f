public import JSON

/// What classifiers reach on the part of the data that each has not seen.
///
/// Nothing is chosen by a held-out part, not the best epoch either: a fold's score is that of its last epoch.
///
/// Source: Kohavi 1995, "A Study of Cross-Validation and Bootstrap for Accuracy Estimation and Model Selection", §2.
public struct CrossValidation: Sendable {
    /// Of each fold on its held-out part.
    public let folds: [EvaluationMetrics]

    public init(folds: [EvaluationMetrics]) { self.folds = folds }

    /// Trains and measures a classifier a fold.
    ///
    /// - Parameters:
    ///   - folds: the examples that each learns from, and those that it is measured on.
    ///   - train: trains a new classifier on examples and returns it, ready for inference.
    ///   - report: is given each fold's number, from 0, and its metrics.
    public init<Failure: Error>(
        _ examples: FineTuning.Examples, folds: [(train: [Int], dev: [Int])],
        train: (FineTuning.Examples) throws(Failure) -> SequenceClassifier,
        report: (Int, EvaluationMetrics) throws(Failure) -> Void
    ) throws(Failure) {
        var results: [EvaluationMetrics] = []
        for (number, fold) in folds.enumerated() {
            let classifier = try train(examples.selecting(fold.train))
            let held = examples.selecting(fold.dev)
            let metrics = classifier.evaluate(logits: classifier.logits(held.texts), targets: held.targets)
            try report(number, metrics)
            results.append(metrics)
        }
        self.folds = results
    }

    /// The mean of every number over the folds; `null` where a fold has none.
    public var mean: JSON { each { values in values.reduce(0, +) / Double(values.count) } }

    /// The standard deviation of every number between the folds, of a sample.
    public var standardDeviation: JSON {
        each { values in
            let mean = values.reduce(0, +) / Double(values.count)
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            return (squares / Double(max(1, values.count - 1))).squareRoot()
        }
    }

    private func each(_ combine: ([Double]) -> Double) -> JSON {
        let summaries = folds.compactMap(\.summary.object)
        var object = JSONObject()
        for member in summaries.first?.members ?? [] {
            let values = summaries.compactMap { $0[member.key]?.number }
            object.append(member.key, values.count == summaries.count ? .number(combine(values)) : .null)
        }
        return .object(object)
    }

    /// `accuracy 0.8432 ± 0.0110, ...`
    public var summary: String {
        let deviations = standardDeviation
        return (mean.object?.members ?? []).filter { $0.key != "examples" }.compactMap { member in
            guard let mean = member.value.number, let deviation = deviations[member.key]?.number else { return nil }
            return "\(member.key) \(fixed(mean)) ± \(fixed(deviation))"
        }.joined(separator: ", ")
    }

    private func fixed(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }
}
