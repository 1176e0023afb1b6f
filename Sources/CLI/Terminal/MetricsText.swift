import Tasks

/// The numbers of a classifier as tables for the terminal.
struct MetricsText {
    private let metrics: ClassificationMetrics

    init(_ metrics: ClassificationMetrics) { self.metrics = metrics }

    var text: String {
        let interval = metrics.accuracyInterval
        var summary = "\(metrics.examples) examples, accuracy \(percent(metrics.accuracy)) %"
        summary += " (95 % confidence: \(percent(interval.lowerBound)) to \(percent(interval.upperBound))), "
        summary += "macro-F1 \(percent(metrics.macroF1)) %\n"
        return "\(summary)\n\(perLabel)\n\(confusion)"
    }

    private var perLabel: String {
        var table = Table(["label", "examples", "precision", "recall", "F1"])
        for label in metrics.perLabel {
            table.add([
                label.label, "\(label.support)", percent(label.precision), percent(label.recall), percent(label.f1),
            ])
        }
        return table.text
    }

    /// Rows are given labels, columns predicted ones.
    private var confusion: String {
        var table = Table(["given \\ predicted"] + metrics.labels)
        for (label, row) in zip(metrics.labels, metrics.confusion) { table.add([label] + row.map { "\($0)" }) }
        return table.text
    }

    private func percent(_ value: Double) -> String { fixed(100 * value, 2) }
}
