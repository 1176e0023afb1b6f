import Checkpoints
import Embeddings
import SystemPackage
import Tensors
import Transformer

/// What a run is of: runs with the same identity end with the same weights.
struct RunIdentity: Codable, Equatable, Sendable {
    /// SHA-256 of tokens and targets.
    let trainingData: String
    let devData: String?
    /// SHA-256 of the configuration and the weights.
    let baseModel: String
    /// SHA-256 of the shapes of the adapter that learns, and of those that stay as they are; `nil` without any.
    let adapters: String?
    let settings: [String: String]

    init(
        _ model: any TrainableModel, _ configuration: FineTuning.Configuration, train: FineTuning.Examples,
        dev: FineTuning.Examples?
    ) throws(CheckpointError) {
        trainingData = Self.digest(of: train)
        devData = dev.map(Self.digest)
        baseModel = try Self.digest(of: model.pretrained)
        adapters = Self.digest(ofAdaptersOn: model.encoder)
        var settings = Self.settings(configuration)
        settings["meanLayer"] = "\(model.encoder.architecture.hasMeanLayer)"
        self.settings = settings
    }

    /// - Parameters:
    ///   - model: what the run starts from.
    ///   - configuration: a value whose parts are what the result depends on besides,
    ///   - settings: with these.
    init(
        trainingData: String, devData: String?, model: PretrainedEncoder, configuration: Any,
        settings: [String: String]
    ) throws(CheckpointError) {
        self.trainingData = trainingData
        self.devData = devData
        baseModel = try Self.digest(of: model)
        adapters = nil
        self.settings = Self.settings(configuration).merging(settings) { $1 }
    }

    private static func digest(of examples: FineTuning.Examples) -> String {
        var fingerprint = Fingerprint()
        for text in examples.texts {
            fingerprint.add([Int32(text.count), text.typeIDs == nil ? 0 : 1])
            fingerprint.add(text.ids)
            if let types = text.typeIDs { fingerprint.add(types) }
        }
        if let swapped = examples.texts.swapped { for text in swapped { fingerprint.add(text.ids) } }
        examples.targets.add(to: &fingerprint)
        return fingerprint.digits
    }

    private static func digest(ofAdaptersOn encoder: TransformerEncoder) -> String? {
        guard let active = encoder.activeAdapter else { return nil }
        var fingerprint = Fingerprint()
        for adapter in encoder.adapters {
            fingerprint.add(adapter.name)
            for parameter in adapter.parameters {
                fingerprint.add(parameter.name)
                fingerprint.add(parameter.shape.dimensions)
                if adapter !== active { fingerprint.add(parameter.value.values) }
            }
        }
        return fingerprint.digits
    }

    private static func digest(of model: PretrainedEncoder) throws(CheckpointError) -> String {
        var fingerprint = Fingerprint()
        fingerprint.add("\(model.configurationFile.object)")
        for file in try model.directory.openWeights().files {
            fingerprint.add(file.lastComponent?.string ?? "")
            fingerprint.add(try MappedFile(file).sha256)
        }
        return fingerprint.digits
    }

    /// Every value of the configuration by its name, whatever values it has; of a case with values its name, and these
    /// below it.
    private static func settings(_ value: Any) -> [String: String] {
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: return mirror.children.first.map { settings($0.value) } ?? ["": "none"]
        case .enum:
            guard case let (label?, values)? = mirror.children.first else { return ["": "\(value)"] }
            var below = settings(values)
            // A value without a name stands behind that of its case.
            let nameless = below.removeValue(forKey: "").map { " \($0)" } ?? ""
            return inside(below, label).merging(["": label + nameless]) { $1 }
        case .struct where !mirror.children.isEmpty, .tuple:
            var all: [String: String] = [:]
            for child in mirror.children { all.merge(inside(settings(child.value), child.label ?? "")) { $1 } }
            return all
        case .collection, .set, .dictionary:
            var elements = mirror.children.map { text(settings($0.value)) }
            if mirror.displayStyle != .collection { elements.sort() }
            return ["": elements.isEmpty ? "none" : elements.joined(separator: ", ")]
        default: return ["": "\(value)"]
        }
    }

    /// The parts of an element of a list, as people write them. Quotation marks where it would be taken for several.
    private static func text(_ settings: [String: String]) -> String {
        settings.sorted { $0.key < $1.key }.map { name, value in
            let isPlain = !value.isEmpty && value != "none" && !value.contains { ", \"".contains($0) }
            return (name.isEmpty ? "" : name + " ") + (isPlain ? value : String(reflecting: value))
        }.joined(separator: " ")
    }

    private static func inside(_ settings: [String: String], _ name: String) -> [String: String] {
        Dictionary(uniqueKeysWithValues: settings.map { ($0.isEmpty ? name : "\(name).\($0)", $1) })
    }

    /// What keeps two runs from being the same.
    enum Difference: Equatable, Sendable, CustomStringConvertible {
        case trainingData
        case devData
        case baseModel
        case adapters
        case setting(String, saved: String?, now: String?)

        var description: String {
            switch self {
            case .trainingData: "the training data"
            case .devData: "the dev data"
            case .baseModel: "the base model"
            case .adapters: "the adapters"
            case .setting(let name, let saved, let now):
                "\(Self.words(name)) (\(saved ?? "none") in the checkpoint, \(now ?? "none") now)"
            }
        }

        /// The last part of a name, as people write it.
        private static func words(_ name: String) -> String {
            name[(name.lastIndex(of: ".").map(name.index(after:)) ?? name.startIndex)...]
                .reduce(into: "") { $0 += $1.isUppercase ? " \($1.lowercased())" : "\($1)" }
        }
    }

    /// - Parameter saved: of the checkpoint.
    func differences(from saved: RunIdentity) -> [Difference] {
        var all: [Difference] = []
        if trainingData != saved.trainingData { all.append(.trainingData) }
        if devData != saved.devData { all.append(.devData) }
        if baseModel != saved.baseModel { all.append(.baseModel) }
        if adapters != saved.adapters { all.append(.adapters) }
        var different: Set<String> = []
        for name in Set(settings.keys).union(saved.settings.keys).sorted()
        where settings[name] != saved.settings[name] {
            different.insert(name)
            // Where the case is another, so are the values below it.
            if Self.isBelow(name, different) { continue }
            all.append(.setting(name, saved: saved.settings[name], now: settings[name]))
        }
        return all
    }

    private static func isBelow(_ name: String, _ others: Set<String>) -> Bool {
        name.indices.contains { name[$0] == "." && others.contains(String(name[..<$0])) }
    }
}

extension Targets {
    fileprivate func add(to fingerprint: inout Fingerprint) {
        switch self {
        case .classes(let indices): fingerprint.add(indices)
        case .labelSets(let tensor), .values(let tensor):
            fingerprint.add(tensor.shape.dimensions)
            fingerprint.add(tensor.values)
        case .tags(let texts): for tags in texts { fingerprint.add(tags) }
        }
    }
}
