/// What a head's outputs mean, by transformers' names for `config.json`'s `problem_type`.
public enum ProblemType: String, Sendable, CaseIterable {
    /// Every text has one label: softmax, cross-entropy.
    case singleLabel = "single_label_classification"
    /// Every text has any number of labels: one sigmoid and one binary cross-entropy a label.
    case multiLabel = "multi_label_classification"
    /// Every text has a number, or several: no function, squared error.
    case regression
}

/// What makes scores of a head's outputs.
public enum ScoreFunction: Equatable, Sendable {
    case softmax
    case sigmoid
    case identity
}
