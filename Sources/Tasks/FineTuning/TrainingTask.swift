/// What a model is trained to say.
public enum TrainingTask: Equatable, Sendable {
    case texts(ProblemType)
    /// A tag for every word of a text.
    case tokens

    /// - Parameter name: a `problem_type` of transformers, or `token_classification`.
    public init?(_ name: String) {
        if name == Self.tokens.name {
            self = .tokens
        } else if let problem = ProblemType(rawValue: name) {
            self = .texts(problem)
        } else {
            return nil
        }
    }

    public var name: String {
        switch self {
        case .texts(let problem): problem.rawValue
        case .tokens: "token_classification"
        }
    }

    public static let all = ProblemType.allCases.map(Self.texts) + [.tokens]

    /// The hub's `pipeline_tag`.
    public var pipelineTag: String {
        switch self {
        case .texts: "text-classification"
        case .tokens: "token-classification"
        }
    }
}
