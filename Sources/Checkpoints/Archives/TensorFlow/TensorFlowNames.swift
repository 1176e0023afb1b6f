/// How Google's releases of BERT name their variables, and what PyTorch calls the same tensors.
///
/// Source: google-research/bert, modeling.py, run_pretraining.py, run_classifier.py and run_squad.py;
/// transformers, the names of `BertForPreTraining`, `BertForSequenceClassification` and `BertForQuestionAnswering`.
enum TensorFlowNames {
    /// A variable's name in PyTorch, and whether its matrix is transposed there.
    ///
    /// - Returns: `nil` for what training left behind: the optimizer's averages and counters.
    static func translate(_ name: String) -> (name: String, isTransposed: Bool)? {
        var parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let last = parts.popLast(), !optimizerNames.contains(last), !last.hasPrefix("Adam") else { return nil }
        let outer = parts.map(component)
        switch (last, parts.last) {
        case ("kernel", _): return (joined(outer, "weight"), true)
        case ("gamma", _): return (joined(outer, "weight"), false)
        case ("beta", _): return (joined(outer, "bias"), false)
        case ("output_weights", nil): return ("classifier.weight", false)
        case ("output_bias", nil): return ("classifier.bias", false)
        case ("output_weights", "squad"): return ("qa_outputs.weight", false)
        case ("output_bias", "squad"): return ("qa_outputs.bias", false)
        case ("output_weights", _): return (joined(outer, "weight"), false)
        case ("output_bias", _): return (joined(outer, "bias"), false)
        case (let table, _) where table.hasSuffix("_embeddings"): return (joined(outer + [table], "weight"), false)
        default: return (joined(outer, component(last)), false)
        }
    }

    private static let optimizerNames: Set<String> = [
        "adam_m", "adam_v", "lamb_m", "lamb_v", "global_step", "beta1_power", "beta2_power", "Momentum",
        "ExponentialMovingAverage",
    ]

    /// `layer_7` is `layer.7`.
    private static func component(_ part: String) -> String {
        guard part.hasPrefix("layer_"), let index = Int(part.dropFirst(6)) else { return part }
        return "layer.\(index)"
    }

    private static func joined(_ parts: [String], _ last: String) -> String {
        (parts + [last]).joined(separator: ".")
    }
}
