import Embeddings
import JSON

extension SentenceMetrics {
    /// The numbers that stand for the whole, of cosines.
    var summary: JSONObject {
        switch self {
        case .similarity(let metrics):
            [
                "examples": .integer(metrics.examples), "pearson": number(metrics.cosine.pearson),
                "spearman": number(metrics.cosine.spearman),
            ]
        case .pairs(let metrics):
            [
                "examples": .integer(metrics.examples), "averagePrecision": .number(metrics.cosine.averagePrecision),
                "accuracy": .number(metrics.cosine.accuracy), "f1": .number(metrics.cosine.f1),
            ]
        case .triplets(let metrics):
            ["examples": .integer(metrics.examples), "accuracy": .number(metrics.cosine)]
        case .retrieval(let metrics):
            [
                "examples": .integer(metrics.queries), "accuracyAt1": .number(metrics.cuts[0].accuracy),
                "mrrAt10": .number(metrics.mrr10), "ndcgAt10": .number(metrics.ndcg10),
                "mapAt100": .number(metrics.map100),
            ]
        }
    }

    /// All numbers.
    var report: JSONObject {
        var object = summary
        switch self {
        case .similarity(let metrics):
            for (name, correlations) in metrics.all {
                object[name] = .object([
                    "pearson": number(correlations.pearson), "spearman": number(correlations.spearman),
                ])
            }
        case .pairs(let metrics):
            for (name, separation) in metrics.all {
                object[name] = .object([
                    "accuracy": .number(separation.accuracy),
                    "accuracyThreshold": .number(separation.accuracyThreshold), "f1": .number(separation.f1),
                    "f1Threshold": .number(separation.f1Threshold), "precision": .number(separation.precision),
                    "recall": .number(separation.recall), "averagePrecision": .number(separation.averagePrecision),
                ])
            }
        case .triplets(let metrics):
            for (name, accuracy) in metrics.all { object[name] = .number(accuracy) }
        case .retrieval(let metrics):
            object["documents"] = .integer(metrics.documents)
            for cut in metrics.cuts {
                object["accuracyAt\(cut.k)"] = .number(cut.accuracy)
                object["precisionAt\(cut.k)"] = .number(cut.precision)
                object["recallAt\(cut.k)"] = .number(cut.recall)
            }
        }
        return object
    }

    private func number(_ value: Double?) -> JSON { value.map { .number($0) } ?? .null }
}
