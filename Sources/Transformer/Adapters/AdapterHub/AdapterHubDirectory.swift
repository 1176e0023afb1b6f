public import Checkpoints
import JSON
public import SystemPackage
import Tensors

/// A directory with an adapter of AdapterHub's library: `adapter_config.json` and its weights, and where there is one a
/// head.
///
/// Source: adapters 1.3, `AdapterLoader` and `build_full_config`.
public struct AdapterHubDirectory: Sendable {
    public let path: FilePath
    /// Under which its tensors are named.
    public let name: String
    public let configuration: AdapterConfiguration
    /// The model it was made for, where that is said.
    public let baseModel: String?
    public let modelType: String?
    public let hiddenSize: Int?
    public let weights: any TensorArchive
    public let head: AdapterHubHead?

    static let configurationName = "adapter_config.json"
    static let weightNames = ["adapter.safetensors", "pytorch_adapter.bin"]

    /// Whether a directory holds such an adapter, and not PEFT's: both have a file of this name.
    public static func isPresent(in directory: ModelDirectory) throws(CheckpointError) -> Bool {
        guard directory.exists(configurationName) else { return false }
        let file = try JSONFile(directory.path.appending(configurationName), purpose: "an adapter's settings")
        return file.object["peft_type"] == nil && file.object["config"] != nil
    }

    public init(_ directory: ModelDirectory) throws(CheckpointError) {
        path = directory.path
        let file = try JSONFile(path.appending(Self.configurationName), purpose: "an adapter's settings")
        if file.object["peft_type"] != nil {
            throw file.invalid(
                "peft_type",
                expected:
                    "an adapter of AdapterHub's library, as --adapter takes it. Name PEFT's directory as the model")
        }
        name = try file.string("name")
        configuration = try Self.configuration(file)
        baseModel = file.object["model_name"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        modelType = file.object["model_type"]?.string
        hiddenSize = file.object["hidden_size"]?.integer
        weights = try directory.open(directory.file(Self.weightNames, purpose: "the adapter's weights"))
        head = try AdapterHubHead(directory)
    }

    private static func configuration(_ file: JSONFile) throws(CheckpointError) -> AdapterConfiguration {
        guard let object = file.object["config"]?.object else {
            throw file.invalid("config", expected: "the adapter's settings; older files name them alone")
        }
        let inner = JSONFile(file.path, object: object)
        switch object["architecture"] {
        case nil, .null: return .bottleneck(try BottleneckConfiguration(inner, isOld: file.object["version"] == nil))
        default: throw inner.invalid("architecture", expected: "none: a bottleneck adapter")
        }
    }

    /// Checks that the adapter is for an encoder of this shape.
    public func check(for architecture: EncoderArchitecture) throws(CheckpointError) {
        let file = path.appending(Self.configurationName)
        if let modelType, modelType != architecture.modelType {
            throw .invalidValue(
                file, key: "model_type", found: "\"\(modelType)\"",
                expected:
                    "\"\(architecture.modelType)\", which the base is. Take the model that the adapter was made for")
        }
        if let hiddenSize, hiddenSize != architecture.hiddenSize {
            throw .invalidValue(
                file, key: "hidden_size", found: "\(hiddenSize)",
                expected:
                    "\(architecture.hiddenSize), which the base has. Take the model that the adapter was made for")
        }
    }
}

extension ModelDirectory {
    /// The first of these files that there is.
    func file(_ names: [String], purpose: String) throws(CheckpointError) -> FilePath {
        guard let name = names.first(where: exists) else {
            throw .missingFile(path.appending(names[0]), purpose: purpose)
        }
        return path.appending(name)
    }
}

extension TransformerEncoder {
    /// Attaches an adapter of AdapterHub's, and makes it the active one.
    @discardableResult
    public func attach(_ directory: AdapterHubDirectory, name: String? = nil) throws(AdapterError) -> Adapter {
        do {
            try directory.check(for: architecture)
        } catch { throw .checkpoint(error) }
        let name = name ?? directory.name
        let source = ParameterSource(
            directory.weights, spellings: directory.spellings(of: name, architecture), random: RandomSource(seed: 0))
        let adapter = try attach(directory.configuration, name: name, from: source)
        do throws(CheckpointError) {
            try source.checkAllUsed(except: directory.isDuplicate)
        } catch {
            try detach(named: name)
            throw .checkpoint(error)
        }
        return adapter
    }
}

extension AdapterHubDirectory {
    /// What libraries before version 2 called `adapters`.
    private static let oldPlaces = [
        "layer_text_task_adapters", "layer_text_lang_adapters", "attention_text_task_adapters",
        "attention_text_lang_adapters",
    ]

    /// How the file spells the names of an adapter that is attached under another one.
    fileprivate func spellings(of name: String, _ architecture: EncoderArchitecture) -> CheckpointSpellings {
        var spellings = architecture.spellings
        if name != self.name { spellings.parts.append(.init(".\(name).", ".\(self.name).")) }
        for place in Self.oldPlaces where weights.entries.contains(where: { $0.name.contains(".\(place).") }) {
            spellings.parts.append(.init(".adapters.", ".\(place)."))
        }
        return spellings
    }

    /// Whether a tensor is a normalization under its second name, as the first part of what it stands before.
    fileprivate func isDuplicate(_ tensor: String) -> Bool {
        guard case .bottleneck(let settings) = configuration, settings.hasNormBefore else { return false }
        return tensor.contains(".adapter_down.0.")
    }
}
