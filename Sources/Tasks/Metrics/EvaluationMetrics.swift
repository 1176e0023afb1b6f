public import Embeddings
public import JSON

/// What a head reached on labelled examples.
public enum EvaluationMetrics: Codable, Equatable, Sendable {
    case classification(ClassificationMetrics)
    case multiLabel(MultiLabelMetrics)
    case regression(RegressionMetrics)
    case entities(EntityMetrics)
    case sentences(SentenceMetrics)

    /// More accurate, of equal ones that with the smaller loss: accuracy, micro-F1, of tags that of
    /// their entities, of vectors the main number, or for numbers the squared error.
    ///
    /// - Precondition: both are of one kind.
    package func isBetter(than other: EvaluationMetrics) -> Bool {
        switch (self, other) {
        case (.classification(let new), .classification(let old)): return new.isBetter(than: old)
        case (.multiLabel(let new), .multiLabel(let old)):
            return (new.micro.f1, -(new.loss ?? 0)) > (old.micro.f1, -(old.loss ?? 0))
        case (.regression(let new), .regression(let old)): return new.mse < old.mse
        case (.entities(let new), .entities(let old)): return new.isBetter(than: old)
        case (.sentences(let new), .sentences(let old)): return new.main > old.main
        default: preconditionFailure("metrics of two kinds")
        }
    }

    /// The numbers that stand for the whole.
    public var summary: JSON {
        switch self {
        case .classification(let metrics):
            .object([
                "examples": .integer(metrics.examples), "accuracy": .number(metrics.accuracy),
                "macroF1": .number(metrics.macroF1), "loss": number(metrics.loss),
            ])
        case .multiLabel(let metrics):
            .object([
                "examples": .integer(metrics.examples), "microF1": .number(metrics.micro.f1),
                "macroF1": .number(metrics.macroF1), "exactMatch": .number(metrics.exactMatch),
                "loss": number(metrics.loss),
            ])
        case .regression(let metrics):
            .object([
                "examples": .integer(metrics.examples), "pearson": number(metrics.pearson),
                "spearman": number(metrics.spearman), "mse": .number(metrics.mse), "mae": .number(metrics.mae),
            ])
        case .entities(let metrics):
            .object([
                "examples": .integer(metrics.sentences), "f1": .number(metrics.micro.f1),
                "precision": .number(metrics.micro.precision), "recall": .number(metrics.micro.recall),
                "accuracy": .number(metrics.accuracy), "loss": number(metrics.loss),
            ])
        case .sentences(let metrics): .object(metrics.summary)
        }
    }

    /// All numbers.
    public var report: JSON {
        switch self {
        case .classification(let metrics): return metrics.report
        case .regression: return summary
        case .sentences(let metrics): return .object(metrics.report)
        case .multiLabel(let metrics):
            var object = summary.object ?? JSONObject()
            object["microPrecision"] = .number(metrics.micro.precision)
            object["microRecall"] = .number(metrics.micro.recall)
            object["labels"] = list(metrics.labels, metrics.perLabel)
            return .object(object)
        case .entities(let metrics):
            var object = summary.object ?? JSONObject()
            object["words"] = .integer(metrics.words)
            object["entities"] = list(metrics.types, metrics.perType)
            return .object(object)
        }
    }

    private func list(_ labels: [String], _ counts: [MultiLabelMetrics.Counts]) -> JSON {
        .array(
            zip(labels, counts).map { label, counts in
                .object([
                    "label": .string(label), "support": .integer(counts.support),
                    "precision": .number(counts.precision), "recall": .number(counts.recall),
                    "f1": .number(counts.f1),
                ])
            })
    }

    private func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
}
