public import Checkpoints

/// Why an adapter cannot be put on an encoder.
public enum AdapterError: Error, Equatable, Sendable {
    case checkpoint(CheckpointError)
    /// No module of the encoder is among the targets.
    case noTargets(wanted: TargetModules.Selection, modules: [String])
    /// A pattern that is no regular expression.
    case invalidPattern(String)
    case nonPositive(setting: String, found: Int)
    case tooManyVirtualTokens(Int, limit: Int)
    case nameTaken(String)
    case unknownAdapter(String, known: [String])
    /// An encoder whose attention has no place for the adapter.
    case unsupported(kind: String, modelType: String, reason: String)
    /// A size that is no multiple of the number of parts that a Kronecker sum has.
    case indivisible(name: String, size: Int, parts: Int)
    /// A layer that nothing is said of.
    case noReductionFactor(name: String, layer: Int)
    /// An adapter that goes together with no other.
    case notComposable(name: String, kind: String)
    /// Adapters at different places of a layer, which cannot be fused.
    case differentPlaces([String])
    /// Weights that are not one for each adapter, or that do not add up to anything.
    case weights([Float], adapters: Int)
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
        case .tooManyVirtualTokens(let count, let limit):
            "\(count) virtual tokens leave no place for words; expected fewer than \(limit)."
        case .nameTaken(let name): "there is an adapter \"\(name)\" already. Choose another name, or detach it first."
        case .unknownAdapter(let name, let known):
            "there is no adapter \"\(name)\"; attached are "
                + (known.isEmpty ? "none." : known.joined(separator: ", ") + ".")
        case .unsupported(let kind, let type, let reason):
            "\(kind) is not for model_type \"\(type)\": \(reason)."
        case .indivisible(let name, let size, let parts):
            "the adapter \"\(name)\" cuts \(size) columns into \(parts) equal parts, which does not come out even. Choose "
                + "another reduction factor (--reduction-factor)."
        case .noReductionFactor(let name, let layer):
            "the adapter \"\(name)\" has no reduction factor for layer \(layer), and no default."
        case .notComposable(let name, let kind):
            "the adapter \"\(name)\" is \(kind); bottleneck adapters alone can be stacked, averaged and fused."
        case .differentPlaces(let names):
            "the adapters \(names.joined(separator: ", ")) stand at different places of a layer; adapters of one method alone "
                + "can be fused."
        case .weights(let weights, let count):
            "\(weights.count.counted("weight")), which sum to \(weights.reduce(0, +)), for "
                + "\(count.counted("adapter")); expected one for each and a sum above 0."
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
