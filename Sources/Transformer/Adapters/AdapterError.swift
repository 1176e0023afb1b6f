public import Checkpoints

/// Why an adapter cannot be put on an encoder.
public enum AdapterError: Error, Equatable, Sendable {
    case checkpoint(CheckpointError)
    /// No module of the encoder is among the targets.
    case noTargets(wanted: TargetModules.Selection, modules: [String])
    /// A pattern that is no regular expression.
    case invalidPattern(String)
    case nonPositive(setting: String, found: Int)
    case nameTaken(String)
    case unknownAdapter(String, known: [String])
    /// An encoder whose attention has no place for the adapter.
    case unsupported(kind: String, modelType: String, reason: String)
    /// An adapter that no matrix can take in.
    case notFoldable(name: String, kind: String)
}

extension AdapterError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .checkpoint(let error): "\(error)"
        case .noTargets(let wanted, let modules):
            "no module of the encoder is among the targets \(wanted); there are "
                + modules.joined(separator: ", ") + ". Choose among them, or all-linear."
        case .invalidPattern(let pattern): "the pattern \"\(pattern)\" is not a regular expression."
        case .nonPositive(let setting, let found): "\(setting) is \(found); expected at least 1."
        case .nameTaken(let name): "there is an adapter \"\(name)\" already. Choose another name, or detach it first."
        case .unknownAdapter(let name, let known):
            "there is no adapter \"\(name)\"; attached are "
                + (known.isEmpty ? "none." : known.joined(separator: ", ") + ".")
        case .unsupported(let kind, let type, let reason):
            "\(kind) is not for model_type \"\(type)\": \(reason)."
        case .notFoldable(let name, let kind):
            "the adapter \"\(name)\" is \(kind), which no matrix of the base can take in; LoRA, DoRA and IA3 can be merged."
        }
    }
}

extension TargetModules.Selection: CustomStringConvertible {
    public var description: String {
        switch self {
        case .usual: "that are usual"
        case .allLinear: "all-linear"
        case .named(let names): names.joined(separator: ", ")
        case .matching(let pattern): "/\(pattern)/"
        }
    }
}
