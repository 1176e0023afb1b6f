public import Checkpoints
import JSON

/// What PEFT's `adapter_config.json` says: the adapter, the modules that were trained as they are, and the base.
///
/// Source: peft 0.21, `LoraConfig`, `IA3Config`, `PromptTuningConfig`, `PrefixTuningConfig`.
public struct PEFTConfiguration: Equatable, Sendable {
    public var adapter: AdapterConfiguration
    /// Modules that learn as they are: those whose names, or whose parents' names, end with one of these.
    public var savedModules: [String]
    /// The name or the path of the model that the adapter is for.
    public var baseModel: String?
    public var taskType: String?

    public init(_ adapter: AdapterConfiguration, savedModules: [String], baseModel: String?, taskType: String?) {
        self.adapter = adapter
        self.savedModules = savedModules
        self.baseModel = baseModel
        self.taskType = taskType
    }

    /// - Throws: `CheckpointError.invalidValue` for kinds and settings that are not supported, by their names.
    public init(_ file: JSONFile) throws(CheckpointError) {
        var reader = Reader(file)
        adapter = try reader.adapter()
        var saved: [String] = []
        for name in try reader.strings("modules_to_save") ?? [] where !saved.contains(name) { saved.append(name) }
        baseModel = file.object["base_model_name_or_path"]?.string
        taskType = file.object["task_type"]?.string
        // PEFT adds these whatever the file says.
        if taskType == "SEQ_CLS" { saved += ["classifier", "score"].filter { !saved.contains($0) } }
        savedModules = saved
        try reader.refuseOthers()
    }
}

extension PEFTConfiguration {
    /// Reads members and remembers which, so that those that would change the computation are not passed over.
    private struct Reader {
        let file: JSONFile
        private var read: Set<String> = [
            "peft_type", "base_model_name_or_path", "task_type", "auto_mapping", "inference_mode", "peft_version",
            "revision", "megatron_core", "qalora_group_size", "runtime_config", "eva_config", "init_ia3_weights",
            "init_weights", "encoder_hidden_size", "prefix_projection", "prompt_tuning_init", "prompt_tuning_init_text",
            "tokenizer_name_or_path", "tokenizer_kwargs", "token_dim", "num_layers", "num_attention_heads",
            "ensure_weight_tying",
        ]

        init(_ file: JSONFile) { self.file = file }

        mutating func adapter() throws(CheckpointError) -> AdapterConfiguration {
            switch try file.string("peft_type") {
            case "LORA": return .lora(try lora())
            case "IA3": return .ia3(try ia3())
            case "PROMPT_TUNING":
                var settings = PromptConfiguration()
                settings.virtualTokens = try virtualTokens()
                return .prompt(settings)
            case "PREFIX_TUNING":
                // What the projection made is saved, and not the projection.
                var settings = PrefixConfiguration()
                settings.virtualTokens = try virtualTokens()
                return .prefix(settings)
            default:
                throw file.invalid("peft_type", expected: "one of LORA, IA3, PROMPT_TUNING, PREFIX_TUNING")
            }
        }

        private mutating func lora() throws(CheckpointError) -> LoRAConfiguration {
            var settings = LoRAConfiguration()
            settings.rank = try size("r", absent: 8)
            settings.alpha = try number("lora_alpha", absent: 8, in: 0...1e6)
            settings.dropout = Float(try number("lora_dropout", absent: 0, in: 0...0.99))
            settings.isRankStabilized = try flag("use_rslora")
            settings.usesMagnitudes = try flag("use_dora")
            let bias = try string("bias") ?? "none"
            guard let biases = LoRAConfiguration.Biases(rawValue: bias) else {
                throw file.invalid("bias", expected: "none, all or lora_only")
            }
            settings.biases = biases
            settings.targets = try targets()
            settings.rankPattern = try patterns("rank_pattern") { $0.integer.flatMap { $0 > 0 ? $0 : nil } }
            settings.alphaPattern = try patterns("alpha_pattern", \.number)
            read.insert("init_lora_weights")
            if let start = file.object["init_lora_weights"]?.string, !["gaussian", "eva", "orthogonal"].contains(start)
            {
                throw file.invalid(
                    "init_lora_weights",
                    expected: "a start that leaves the base as it is: true, gaussian, orthogonal or eva")
            }
            return settings
        }

        private mutating func ia3() throws(CheckpointError) -> IA3Configuration {
            var settings = IA3Configuration()
            settings.targets = try targets()
            settings.feedForward = try selection("feedforward_modules") ?? .named([])
            return settings
        }

        private mutating func virtualTokens() throws(CheckpointError) -> Int {
            read.formUnion(["num_virtual_tokens", "num_transformer_submodules"])
            guard try file.size("num_transformer_submodules", absent: 1) == 1 else {
                throw file.invalid("num_transformer_submodules", expected: "1, an encoder alone")
            }
            return try file.size("num_virtual_tokens")
        }

        private mutating func targets() throws(CheckpointError) -> TargetModules {
            var targets = TargetModules(try selection("target_modules") ?? .usual)
            targets.excluded = try selection("exclude_modules")
            read.insert("layers_to_transform")
            switch file.object["layers_to_transform"] {
            case nil, .null: break
            case .integer(let layer): targets.layers = [layer]
            case .array(let layers) where layers.allSatisfy { $0.integer != nil }:
                targets.layers = layers.isEmpty ? nil : layers.compactMap(\.integer)
            default: throw file.invalid("layers_to_transform", expected: "numbers of layers")
            }
            if let name = file.object["layers_pattern"]?.string {
                read.insert("layers_pattern")
                targets.layerNames = [name]
            } else {
                targets.layerNames = try strings("layers_pattern") ?? []
            }
            return targets
        }

        /// A list of names, a regular expression, or `all-linear`.
        private mutating func selection(_ key: String) throws(CheckpointError) -> TargetModules.Selection? {
            read.insert(key)
            if let text = file.object[key]?.string {
                return text.lowercased() == "all-linear" ? .allLinear : .matching(text)
            }
            return try strings(key).map { .named($0) }
        }

        private mutating func patterns<Value>(
            _ key: String, _ value: (JSON) -> Value?
        ) throws(CheckpointError) -> [ModulePattern<Value>] {
            read.insert(key)
            guard let object = file.object[key], object != .null else { return [] }
            var patterns: [ModulePattern<Value>] = []
            for member in object.object?.members ?? [] {
                guard let number = value(member.value) else {
                    throw file.invalid(key, expected: "patterns of module names with positive numbers")
                }
                patterns.append(ModulePattern(member.key, number))
            }
            return patterns
        }

        mutating func strings(_ key: String) throws(CheckpointError) -> [String]? {
            read.insert(key)
            guard let value = file.object[key], value != .null else { return nil }
            guard let array = value.array, array.allSatisfy({ $0.string != nil }) else {
                throw file.invalid(key, expected: "a list of names")
            }
            return array.compactMap(\.string)
        }

        private mutating func string(_ key: String) throws(CheckpointError) -> String? {
            read.insert(key)
            guard let value = file.object[key], value != .null else { return nil }
            guard let text = value.string else { throw file.invalid(key, expected: "a string") }
            return text
        }

        private mutating func size(_ key: String, absent: Int) throws(CheckpointError) -> Int {
            read.insert(key)
            return try file.size(key, absent: absent)
        }

        private mutating func number(
            _ key: String, absent: Double, in range: ClosedRange<Double>
        ) throws(CheckpointError) -> Double {
            read.insert(key)
            return try file.number(key, absent: absent, in: range)
        }

        private mutating func flag(_ key: String) throws(CheckpointError) -> Bool {
            read.insert(key)
            return try file.flag(key, absent: false)
        }

        /// Refuses members that were not read and say something.
        func refuseOthers() throws(CheckpointError) {
            for member in file.object.members where !read.contains(member.key) {
                switch member.value {
                case .null, .bool(false), .string(""), .array([]): continue
                case .object(let object) where object.members.isEmpty: continue
                default: throw file.invalid(member.key, expected: "nothing: this is not supported")
                }
            }
        }
    }
}
