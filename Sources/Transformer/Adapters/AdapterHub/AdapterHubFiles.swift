public import Checkpoints
import JSON
public import SystemPackage
import Tensors

/// What AdapterHub's files say of the model beside their settings.
///
/// Source: adapters 1.3, `build_full_config`.
public struct AdapterHubFiles: Sendable {
    private let architecture: EncoderArchitecture
    /// How the base model is found.
    private let baseModel: String

    public init(_ architecture: EncoderArchitecture, baseModel: String) {
        self.architecture = architecture
        self.baseModel = baseModel
    }

    /// Of the library whose files these are.
    static let version = "adapters.1.3.0"

    /// The class that the library gives a model whose heads are exchanged.
    private var modelClass: String { architecture.head.classPrefix + "AdapterModel" }

    /// - Parameter own: the members that a file has of its own.
    private func configuration(_ own: JSONObject) -> JSONObject {
        var object: JSONObject = [
            "hidden_size": .integer(architecture.hiddenSize), "model_class": .string(modelClass),
            "model_name": .string(baseModel), "model_type": .string(architecture.modelType),
            "version": .string(Self.version),
        ]
        for member in own.members { object[member.key] = member.value }
        return object
    }

    private func write(
        _ own: JSONObject, named name: String, _ tensors: [(name: String, value: Tensor)], to weights: String,
        in directory: FilePath
    ) throws(CheckpointError) {
        let path = directory.appending(name)
        try JSONFile(path, object: configuration(own)).write(to: path)
        try SafeTensors.write(tensors, to: directory.appending(weights))
    }

    /// Writes `adapter_config.json` and `adapter.safetensors`.
    ///
    /// - Precondition: it is a bottleneck adapter.
    public func write(_ adapter: Adapter, to directory: FilePath) throws(CheckpointError) {
        guard case .bottleneck(let settings) = adapter.configuration else {
            preconditionFailure("\(adapter.configuration.kind) in AdapterHub's files")
        }
        try write(
            ["config": .object(settings.object), "name": .string(adapter.name)],
            named: AdapterHubDirectory.configurationName, adapter.parameters.map { ($0.name, $0.value) },
            to: AdapterHubDirectory.weightNames[0], in: directory)
    }

    /// Writes `adapter_fusion_config.json` and `model_adapter_fusion.safetensors`.
    public func write(
        _ fusion: FusionConfiguration, of names: [String], _ adapter: Adapter, to directory: FilePath
    ) throws(CheckpointError) {
        try write(
            [
                "config": .object(fusion.object), "name": .string(adapter.name),
                "adapter_names": .array(names.map { .string($0) }),
            ], named: AdapterHubFusionDirectory.configurationName, adapter.parameters.map { ($0.name, $0.value) },
            to: AdapterHubFusionDirectory.weightNames[0], in: directory)
    }

    /// Writes `head_config.json` and `model_head.safetensors`: a flexible head where the library has one like it, with the
    /// dense layer that elsewhere may be the encoder's pooler, else the family's own under its own names.
    public func write(
        _ head: ClassificationHead, name: String, labels: [String], _ problem: AdapterHubHead.Problem,
        to directory: FilePath
    ) throws(CheckpointError) {
        var ids = JSONObject()
        for (index, label) in labels.enumerated() { ids.append(label, .integer(index)) }
        var own: JSONObject = ["label2id": .object(ids), "num_labels": .integer(labels.count)]
        var linears = [(head.output.module, head.output)]
        if let dense = head.dense { linears.append((dense.module, dense)) }
        if head.isFlexible {
            let layers = head.dense == nil ? 1 : 2
            own.append(
                "activation_function", head.dense == nil ? .null : .string(head.architecture.activation.rawValue))
            own.append("bias", .bool(true))
            own.append("dropout_prob", .number(head.architecture.dropout.decimal))
            own.append("head_type", .string(problem == .multiLabel ? "multilabel_classification" : "classification"))
            own.append("layers", .integer(layers))
            own.append("use_pooler", .bool(false))
            own = ["config": .object(own), "name": .string(name)]
            linears = linears.enumerated().map { index, linear in
                ("heads.\(name).\(index == 0 && layers == 2 ? 4 : 1)", linear.1)
            }
        } else {
            own.append("config", .null)
            own.append("name", .null)
            own.append("model_class", .string(architecture.head.classPrefix + "ForSequenceClassification"))
        }
        var tensors: [(name: String, value: Tensor)] = linears.flatMap { name, linear in
            [(name + ".weight", linear.weight.value)] + (linear.bias.map { [(name + ".bias", $0.value)] } ?? [])
        }
        if let norm = head.norm {
            tensors += ([norm.weight] + (norm.bias.map { [$0] } ?? [])).map { ($0.name, $0.value) }
        }
        try write(
            own, named: AdapterHubHead.configurationName, tensors, to: AdapterHubHead.weightNames[0], in: directory)
    }
}

extension ClassificationHead {
    /// Whether AdapterHub's library can build it: the first token, at most one dense layer with a bias.
    fileprivate var isFlexible: Bool {
        architecture.pooling == .first && norm == nil && (dense == nil || architecture.denseHasBias)
    }
}
