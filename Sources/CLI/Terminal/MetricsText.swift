import Checkpoints
import Embeddings
import Tasks

/// The numbers of an evaluation for the terminal.
struct MetricsText {
    private let metrics: EvaluationMetrics

    init(_ metrics: EvaluationMetrics) { self.metrics = metrics }

    /// The one by which evaluations are compared.
    var number: String {
        switch metrics {
        case .classification(let metrics): "\(percent(metrics.accuracy)) %"
        case .multiLabel(let metrics): "\(percent(metrics.micro.f1)) %"
        case .regression(let metrics): "error \(fixed(metrics.mse, 4))"
        case .entities(let metrics): "\(percent(metrics.micro.f1)) %"
        case .sentences(let metrics): fixed(metrics.main, 4)
        }
    }

    /// The most important ones in a line.
    var line: String {
        switch metrics {
        case .classification(let metrics):
            "accuracy \(percent(metrics.accuracy)) %, macro-F1 \(percent(metrics.macroF1)) %, loss \(loss(metrics.loss))"
        case .multiLabel(let metrics):
            "micro-F1 \(percent(metrics.micro.f1)) %, macro-F1 \(percent(metrics.macroF1)) %, "
                + "exact match \(percent(metrics.exactMatch)) %, loss \(loss(metrics.loss))"
        case .regression(let metrics):
            "Pearson \(correlation(metrics.pearson)), Spearman \(correlation(metrics.spearman)), "
                + "squared error \(fixed(metrics.mse, 4)), absolute error \(fixed(metrics.mae, 4))"
        case .entities(let metrics):
            "entity F1 \(percent(metrics.micro.f1)) %, precision \(percent(metrics.micro.precision)) %, "
                + "recall \(percent(metrics.micro.recall)) %, words \(percent(metrics.accuracy)) %, "
                + "loss \(loss(metrics.loss))"
        case .sentences(let metrics): line(metrics)
        }
    }

    /// All, as tables.
    var text: String {
        switch metrics {
        case .classification(let metrics):
            return "\(summary(metrics))\n\n\(perLabel(metrics))\n\(confusion(metrics))"
        case .multiLabel(let metrics):
            let micro = "precision \(percent(metrics.micro.precision)) %, recall \(percent(metrics.micro.recall)) %"
            return "\(metrics.examples.counted("example")), \(line)\nall labels together: \(micro)\n\n"
                + table("label", metrics.labels, metrics.perLabel)
        case .regression(let metrics): return "\(metrics.examples.counted("example")), \(line)\n"
        case .entities(let metrics):
            return
                "\(metrics.sentences.counted("sentence")), "
                + "\(line)\n\n\(table("entity", metrics.types, metrics.perType))"
        case .sentences(let metrics): return "\(metrics.examples.counted("example")), \(line)\n\n\(table(metrics).text)"
        }
    }

    /// Of cosines.
    private func line(_ metrics: SentenceMetrics) -> String {
        switch metrics {
        case .similarity(let metrics):
            "Pearson \(correlation(metrics.cosine.pearson)), Spearman \(correlation(metrics.cosine.spearman))"
        case .pairs(let metrics):
            "average precision \(fixed(metrics.cosine.averagePrecision, 4)), "
                + "accuracy \(percent(metrics.cosine.accuracy)) %, F1 \(percent(metrics.cosine.f1)) %"
        case .triplets(let metrics): "accuracy \(percent(metrics.cosine)) %"
        case .retrieval(let metrics):
            "NDCG@10 \(fixed(metrics.ndcg10, 4)), MRR@10 \(fixed(metrics.mrr10, 4)), "
                + "MAP@100 \(fixed(metrics.map100, 4)), accuracy@1 \(percent(metrics.cuts[0].accuracy)) %"
        }
    }

    private func table(_ metrics: SentenceMetrics) -> Table {
        switch metrics {
        case .similarity(let metrics):
            var table = Table(["similarity", "Pearson", "Spearman"])
            for (name, values) in metrics.all {
                table.add([name, correlation(values.pearson), correlation(values.spearman)])
            }
            return table
        case .pairs(let metrics):
            var table = Table(["similarity", "accuracy", "threshold", "F1", "threshold", "AP"])
            for (name, values) in metrics.all {
                table.add([
                    name, percent(values.accuracy), fixed(values.accuracyThreshold, 4), percent(values.f1),
                    fixed(values.f1Threshold, 4), fixed(values.averagePrecision, 4),
                ])
            }
            return table
        case .triplets(let metrics):
            var table = Table(["similarity", "accuracy"])
            for (name, accuracy) in metrics.all { table.add([name, percent(accuracy)]) }
            return table
        case .retrieval(let metrics):
            var table = Table(["first", "accuracy", "precision", "recall"])
            for cut in metrics.cuts {
                table.add(["\(cut.k)", percent(cut.accuracy), percent(cut.precision), percent(cut.recall)])
            }
            return table
        }
    }

    private func summary(_ metrics: ClassificationMetrics) -> String {
        let interval = metrics.accuracyInterval
        return "\(metrics.examples.counted("example")), accuracy \(percent(metrics.accuracy)) %"
            + " (95 % confidence: \(percent(interval.lowerBound)) to \(percent(interval.upperBound))), "
            + "macro-F1 \(percent(metrics.macroF1)) %"
    }

    private func perLabel(_ metrics: ClassificationMetrics) -> String {
        var table = Table(["label", "examples", "precision", "recall", "F1"])
        for label in metrics.perLabel {
            table.add([
                label.label, "\(label.support)", percent(label.precision), percent(label.recall), percent(label.f1),
            ])
        }
        return table.text
    }

    private func table(_ title: String, _ labels: [String], _ counts: [MultiLabelMetrics.Counts]) -> String {
        var table = Table([title, "examples", "precision", "recall", "F1"])
        for (label, counts) in zip(labels, counts) {
            table.add([
                label, "\(counts.support)", percent(counts.precision), percent(counts.recall), percent(counts.f1),
            ])
        }
        return table.text
    }

    /// Rows are given labels, columns predicted ones.
    private func confusion(_ metrics: ClassificationMetrics) -> String {
        var table = Table(["given \\ predicted"] + metrics.labels.map(\.printable))
        for (label, row) in zip(metrics.labels, metrics.confusion) { table.add([label] + row.map { "\($0)" }) }
        return table.text
    }

    private func percent(_ value: Double) -> String { fixed(100 * value, 2) }
    private func loss(_ value: Double?) -> String { value.map { fixed($0, 4) } ?? "unknown" }
    private func correlation(_ value: Double?) -> String { value.map { fixed($0, 4) } ?? "undefined" }
}
