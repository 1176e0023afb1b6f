public import JSON
import SystemPackage

/// A directory with an adapter instead of a model, as PEFT or AdapterHub's adapters library saves one.
///
/// Both call the configuration `adapter_config.json`; what it says tells them apart.
///
/// Source: peft, `PeftModel.save_pretrained`; adapters, `AdapterLoader`.
public struct AdapterDirectory: Sendable {
    public enum Library: String, CaseIterable, Sendable {
        case peft = "PEFT"
        case adapterHub = "AdapterHub"

        /// The files that hold the weights, in the order in which they are looked for.
        var weightNames: [String] {
            switch self {
            case .peft: ["adapter_model.safetensors", "adapter_model.bin"]
            case .adapterHub: ["adapter.safetensors", "model.safetensors", "pytorch_adapter.bin"]
            }
        }
    }

    public let library: Library
    /// The kind of adapter: PEFT's `peft_type`, AdapterHub's architecture.
    public let kind: String
    /// The model it was made for, where that is said.
    public let baseModel: String?
    /// Numbers and names that shape it, in the order to be read.
    public let settings: [(key: String, value: JSON)]
    public let weights: any TensorArchive

    /// - Returns: `nil` where the directory holds no adapter, or one beside a model.
    public init?(_ directory: ModelDirectory) throws(CheckpointError) {
        let name = "adapter_config.json"
        if directory.exists("config.json") || !directory.exists(name) { return nil }
        let file = try JSONFile(directory.path.appending(name), purpose: "an adapter's settings")
        if let type = file.object["peft_type"]?.string {
            (library, kind) = (.peft, type)
            baseModel = file.object["base_model_name_or_path"]?.string
            settings = Self.members(
                file.object,
                ["task_type", "r", "lora_alpha", "target_modules", "modules_to_save", "num_virtual_tokens"])
        } else if let config = file.object["config"]?.object ?? file.object["config"].map({ ["name": $0] }) {
            library = .adapterHub
            kind = config["architecture"]?.string ?? config["name"]?.string ?? "adapter"
            baseModel = (file.object["model_name"] ?? file.object["model_type"])?.string
            settings =
                Self.members(file.object, ["name", "type", "hidden_size"])
                + Self.members(config, ["reduction_factor", "non_linearity", "r", "alpha", "attn_matrices"])
        } else {
            throw .invalidValue(
                file.path, key: "peft_type", found: nil,
                expected: "PEFT's kind of adapter, or \"config\" as AdapterHub writes it")
        }
        let names = library.weightNames
        guard let found = names.first(where: directory.exists) else {
            throw .missingFile(directory.path.appending(names[0]), purpose: "the adapter's weights")
        }
        weights = try directory.open(directory.path.appending(found))
    }

    private static func members(_ object: JSONObject, _ keys: [String]) -> [(key: String, value: JSON)] {
        keys.compactMap { key in object[key].flatMap { $0 == .null ? nil : (key, $0) } }
    }
}
