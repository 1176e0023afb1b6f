import Checkpoints

/// What is asked of an optimization and cannot be.
public enum OptimizationError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidPattern(String)
    /// `names` are some of those that learn.
    case patternMatchesNothing(String, names: [String])
    case tooManyLayers(Int, layers: Int)
    case unknownLabel(String, option: String, labels: [String])
    case missingLabel(String, option: String)
    /// No label counts.
    case noWeight(option: String)
    case wrongProblem(String, ProblemType, expected: [ProblemType])

    public var description: String {
        switch self {
        case .invalidPattern(let pattern):
            "--learning-rate-for: \"\(pattern)\" is not a regular expression"
        case .patternMatchesNothing(let pattern, let names):
            "--learning-rate-for: \"\(pattern)\" matches no parameter that learns, such as "
                + names.joined(separator: ", ")
        case .tooManyLayers(let count, let layers):
            "--top-k-layers is \(count); the model has \(layers.counted("layer"))"
        case .unknownLabel(let label, let option, let labels):
            "\(option): label \"\(label)\" is not among \(labels.joined(separator: ", "))"
        case .missingLabel(let label, let option):
            "\(option) lacks the label \"\(label)\" of the examples"
        case .noWeight(let option): "\(option): every label counts 0. Give one of them more."
        case .wrongProblem(let option, let problem, let expected):
            "\(option) is for \(expected.map(\.rawValue).joined(separator: " and ")); the labels are \(problem.rawValue)"
        }
    }
}
