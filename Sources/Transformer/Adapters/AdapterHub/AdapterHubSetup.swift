public import Checkpoints
import JSON
public import SystemPackage
import Tensors

/// Adapters of AdapterHub's as directories hold them: one, or several and how they work together.
///
/// Source: adapters 1.3, `save_adapter_setup`, and `composition.py`.
public struct AdapterHubSetup: Sendable {
    /// The ways in which several work together, by the names of the command line.
    public enum Mode: String, Sendable, CaseIterable {
        case stack
        case average
        case fuse
    }

    /// Of one adapter, or of the file that names several.
    public let directory: ModelDirectory
    /// In the order in which they work.
    public let adapters: [AdapterHubDirectory]
    let composition: Composition
    public let head: AdapterHubHead?

    enum Composition: Sendable {
        case none
        case stack
        case average([Float]?)
        case fusion(AdapterHubFusionDirectory)
    }

    static let configurationName = "adapter_setup.json"

    /// Whether a directory holds such adapters, and not PEFT's.
    public static func isPresent(in directory: ModelDirectory) throws(CheckpointError) -> Bool {
        if directory.exists(configurationName) { return true }
        return try AdapterHubDirectory.isPresent(in: directory)
    }

    /// The model that the adapters were made for, where that is said.
    public var baseModel: String? { adapters.compactMap(\.baseModel).first }

    /// What one directory holds.
    public init(_ directory: ModelDirectory) throws(CheckpointError) {
        self.directory = directory
        guard directory.exists(Self.configurationName) else {
            let adapter = try AdapterHubDirectory(directory)
            (adapters, composition, head) = ([adapter], .none, adapter.head)
            return
        }
        let file = try JSONFile(directory.path.appending(Self.configurationName), purpose: "how adapters are combined")
        guard let setup = file.object["adapter_setup"]?.object else {
            throw file.invalid("adapter_setup", expected: "an object")
        }
        let names = try Self.names(setup, file)
        func part(_ name: String) -> ModelDirectory { ModelDirectory(directory.path.appending(name)) }
        adapters = try names.map { name throws(CheckpointError) in try AdapterHubDirectory(part(name)) }
        switch setup["type"]?.string {
        case "Stack": composition = names.count == 1 ? .none : .stack
        case "Average":
            let weights = (setup["kwargs"]?["weights"] ?? setup["weights"])?.array?.compactMap(\.number)
            composition = .average(weights.map { $0.map { Float($0) } })
        case "Fuse": composition = .fusion(try AdapterHubFusionDirectory(part(names.joined(separator: ","))))
        default: throw file.invalid("adapter_setup", expected: "a Stack, an Average or a Fuse of adapters")
        }
        let own = try file.object["head_setup"]?.string.flatMap { name throws(CheckpointError) in
            try AdapterHubHead(part(name))
        }
        head = own ?? adapters.last?.head
    }

    /// Several directories, one adapter each; where they are fused, one of them holds the fusion.
    public init(
        _ directories: [ModelDirectory], mode: Mode, weights: [Float]? = nil
    ) throws(CheckpointError) {
        var fusions: [AdapterHubFusionDirectory] = []
        var adapters: [AdapterHubDirectory] = []
        for directory in directories {
            if directory.exists(AdapterHubFusionDirectory.configurationName) {
                fusions.append(try AdapterHubFusionDirectory(directory))
            } else {
                adapters.append(try AdapterHubDirectory(directory))
            }
        }
        guard let last = adapters.last else {
            throw .missingFile(
                directories[0].path.appending(AdapterHubDirectory.configurationName), purpose: "an adapter's settings")
        }
        directory = ModelDirectory(last.path)
        self.adapters = adapters
        head = last.head
        switch mode {
        case .stack: composition = adapters.count == 1 ? .none : .stack
        case .average: composition = .average(weights)
        case .fuse:
            guard let fusion = fusions.first else {
                throw .missingFile(
                    directories[0].path.appending(AdapterHubFusionDirectory.configurationName),
                    purpose: "what chooses among adapters (graft finetune --method fusion makes one)")
            }
            composition = .fusion(fusion)
        }
    }

    /// The names of single adapters.
    private static func names(_ setup: JSONObject, _ file: JSONFile) throws(CheckpointError) -> [String] {
        var names: [String] = []
        for child in setup["children"]?.array ?? [] {
            guard child["type"]?.string == "single", let name = child["children"]?.array?.first?.string,
                !name.contains("/")
            else { throw file.invalid("adapter_setup", expected: "single adapters, none inside another") }
            names.append(name)
        }
        guard !names.isEmpty else { throw file.invalid("adapter_setup", expected: "the names of adapters") }
        return names
    }
}

extension TransformerEncoder {
    /// Attaches adapters as directories say, and makes what they are together the active one.
    @discardableResult
    public func attach(_ setup: AdapterHubSetup) throws(AdapterError) -> Adapter? {
        var names: [String] = []
        var renamed: [String: String] = [:]
        for directory in setup.adapters {
            // Adapters that were trained alike may have one name.
            let name = freeAdapterName(like: directory.name)
            try attach(directory, name: name)
            names.append(name)
            if renamed[directory.name] == nil { renamed[directory.name] = name }
        }
        let none = ParameterSource(nil, random: RandomSource(seed: 0))
        switch setup.composition {
        case .none: break
        case .stack: try compose(.stack(names), from: none)
        case .average(let weights): try compose(.average(names, weights: weights), from: none)
        case .fusion(let fusion): try attach(fusion, as: renamed)
        }
        return activeAdapter
    }
}

extension AdapterHubFiles {
    /// Writes what is active on an encoder: an adapter with its head, or several, each in a directory of its name beside
    /// those of a fusion and of the head.
    ///
    /// - Precondition: bottleneck adapters are active.
    public func writeActive(
        of encoder: TransformerEncoder, _ head: ClassificationHead, labels: [String],
        _ problem: AdapterHubHead.Problem, to directory: FilePath
    ) throws(CheckpointError) {
        guard let adapter = encoder.activeAdapter else { preconditionFailure("no adapter is active") }
        guard case .composition(let composition) = adapter.configuration else {
            try write(adapter, to: directory)
            return try write(head, name: adapter.name, labels: labels, problem, to: directory)
        }
        for member in encoder.adapters where composition.names.contains(member.name) {
            try write(member, to: try AtomicDirectory.folder(member.name, in: directory))
        }
        if case .fusion(_, let settings) = composition {
            let folder = try AtomicDirectory.folder(adapter.name, in: directory)
            try write(settings, of: composition.names, adapter, to: folder)
        }
        let headName = "head"
        let folder = try AtomicDirectory.folder(headName, in: directory)
        try write(head, name: headName, labels: labels, problem, to: folder)
        let path = directory.appending(AdapterHubSetup.configurationName)
        let setup: JSONObject = [
            "adapter_setup": .object(composition.object), "head_setup": .string(headName),
            "version": .string(Self.version),
        ]
        try JSONFile(path, object: setup).write(to: path)
    }
}

extension AdapterComposition {
    fileprivate var object: JSONObject {
        var object: JSONObject = [
            "children": .array(names.map { .object(["type": .string("single"), "children": .array([.string($0)])]) })
        ]
        switch self {
        case .stack: object["type"] = .string("Stack")
        case .fusion: object["type"] = .string("Fuse")
        case .average(let names, let weights):
            object["type"] = .string("Average")
            let all = weights ?? names.map { _ in 1 / Float(names.count) }
            object["kwargs"] = .object(["weights": .array(all.map { .number($0.decimal) })])
        }
        return object
    }
}
