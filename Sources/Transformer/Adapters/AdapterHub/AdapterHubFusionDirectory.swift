public import Checkpoints
import JSON
public import SystemPackage
import Tensors

/// A directory with what chooses among adapters: `adapter_fusion_config.json` and its weights. The adapters themselves are
/// elsewhere.
///
/// Source: adapters 1.3, `AdapterFusionLoader`.
public struct AdapterHubFusionDirectory: Sendable {
    public let path: FilePath
    public let name: String
    /// In the order in which they are fused.
    public let adapterNames: [String]
    public let configuration: FusionConfiguration
    public let weights: any TensorArchive

    static let configurationName = "adapter_fusion_config.json"
    static let weightNames = ["model_adapter_fusion.safetensors", "pytorch_model_adapter_fusion.bin"]

    public init(_ directory: ModelDirectory) throws(CheckpointError) {
        path = directory.path
        let file = try JSONFile(path.appending(Self.configurationName), purpose: "a fusion's settings")
        name = try file.string("name")
        adapterNames = try Self.adapterNames(file, name: name)
        guard let object = file.object["config"]?.object else { throw file.invalid("config", expected: "an object") }
        configuration = try FusionConfiguration(JSONFile(file.path, object: object))
        weights = try directory.open(directory.file(Self.weightNames, purpose: "the fusion's weights"))
    }

    /// `adapter_names`, which older files leave to the name.
    private static func adapterNames(_ file: JSONFile, name: String) throws(CheckpointError) -> [String] {
        guard let value = file.object["adapter_names"], value != .null else {
            return name.split(separator: ",").map(String.init)
        }
        let names =
            value.string.map { $0.split(separator: ",").map(String.init) } ?? (value.array ?? []).compactMap(\.string)
        guard names.count > 1 else {
            throw file.invalid("adapter_names", expected: "the names of two adapters or more")
        }
        return names
    }
}

extension FusionConfiguration {
    /// Source: adapters 1.3, `DynamicAdapterFusionConfig` and `StaticAdapterFusionConfig`.
    init(_ file: JSONFile) throws(CheckpointError) {
        self.init()
        for key in ["key", "query"] { try file.require(key, true) }
        for key in ["query_before_ln", "residual_before", "temperature"] { try file.requireNothing(key) }
        hasValue = try file.flag("value", absent: true)
        if hasValue { try file.require("value_before_softmax", true) }
        if let probability = file.object["dropout_prob"], probability != .null {
            dropout = try file.dropout("dropout_prob", absent: 0)
        }
    }

    var object: JSONObject {
        [
            "dropout_prob": dropout.map { .number($0.decimal) } ?? .null, "key": .bool(true), "query": .bool(true),
            "query_before_ln": .bool(false), "regularization": .bool(hasValue), "residual_before": .bool(false),
            "temperature": .bool(false), "value": .bool(hasValue), "value_before_softmax": .bool(true),
            "value_initialized": .bool(hasValue),
        ]
    }
}

extension TransformerEncoder {
    /// Fuses attached adapters as a directory says, and makes that the active adapter.
    ///
    /// - Parameter names: of those that are attached under another name than the directory knows.
    /// - Throws: `unknownAdapter` for one that is not attached.
    @discardableResult
    public func attach(
        _ directory: AdapterHubFusionDirectory, as names: [String: String] = [:]
    ) throws(AdapterError) -> Adapter {
        let source = ParameterSource(
            directory.weights, spellings: architecture.spellings, random: RandomSource(seed: 0))
        let adapter = try compose(
            .fusion(directory.adapterNames.map { names[$0] ?? $0 }, directory.configuration), name: directory.name,
            from: source)
        do throws(CheckpointError) {
            try source.checkAllUsed { _ in false }
        } catch {
            try detach(named: directory.name)
            throw .checkpoint(error)
        }
        return adapter
    }
}
