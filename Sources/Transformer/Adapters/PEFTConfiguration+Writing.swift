public import JSON

extension PEFTConfiguration {
    /// The contents of `adapter_config.json`.
    ///
    /// - Parameters:
    ///   - attached: the adapter as it is on its encoder.
    ///   - architecture: of the encoder.
    public func object(_ attached: Adapter, _ architecture: EncoderArchitecture) -> JSONObject {
        var object: JSONObject = [
            "base_model_name_or_path": baseModel.map { .string($0) } ?? .null,
            "task_type": taskType.map { .string($0) } ?? .null, "inference_mode": .bool(true),
        ]
        object["modules_to_save"] = savedModules.isEmpty ? .null : Self.list(savedModules)
        switch adapter {
        case .lora(let settings):
            object["peft_type"] = .string("LORA")
            object["r"] = .integer(settings.rank)
            object["lora_alpha"] = Self.number(settings.alpha)
            object["lora_dropout"] = .number(Double("\(settings.dropout)") ?? 0)
            object["use_rslora"] = .bool(settings.isRankStabilized)
            object["use_dora"] = .bool(settings.usesMagnitudes)
            object["bias"] = .string(settings.biases.rawValue)
            object["rank_pattern"] = .object(
                settings.rankPattern.reduce(into: JSONObject()) { $0.append($1.pattern, .integer($1.value)) })
            object["alpha_pattern"] = .object(
                settings.alphaPattern.reduce(into: JSONObject()) { $0.append($1.pattern, Self.number($1.value)) })
            object["target_modules"] = Self.list(
                settings.targets == TargetModules()
                    ? architecture.usualLoRATargets : attached.modules { _ in true })
        case .ia3(let settings):
            object["peft_type"] = .string("IA3")
            let isUsual = settings == IA3Configuration()
            let scaled = attached.modules { if case .ia3(let ia3) = $0 { ia3.scalesInput } else { false } }
            // PEFT asks for the same names in both.
            object["target_modules"] = Self.list(
                isUsual ? architecture.usualIA3Targets : attached.modules { _ in true })
            object["feedforward_modules"] = Self.list(isUsual ? architecture.usualIA3FeedForward : scaled)
        case .prompt(let settings):
            object["peft_type"] = .string("PROMPT_TUNING")
            object["prompt_tuning_init"] = .string("RANDOM")
            setVirtualTokens(settings.virtualTokens, architecture, size: architecture.embeddingSize, in: &object)
        case .prefix(let settings):
            object["peft_type"] = .string("PREFIX_TUNING")
            object["prefix_projection"] = .bool(false)
            object["encoder_hidden_size"] = .integer(architecture.attentionSize)
            setVirtualTokens(settings.virtualTokens, architecture, size: architecture.attentionSize, in: &object)
        case .bottleneck, .composition: preconditionFailure("PEFT has no bottleneck adapters")
        }
        return object
    }

    private func setVirtualTokens(
        _ count: Int, _ architecture: EncoderArchitecture, size: Int, in object: inout JSONObject
    ) {
        object["num_virtual_tokens"] = .integer(count)
        object["token_dim"] = .integer(size)
        object["num_layers"] = .integer(architecture.numHiddenLayers)
        object["num_attention_heads"] = .integer(architecture.numAttentionHeads)
        object["num_transformer_submodules"] = .integer(1)
    }

    private static func list(_ names: [String]) -> JSON { .array(names.map { .string($0) }) }

    private static func number(_ value: Double) -> JSON { Int(exactly: value).map { .integer($0) } ?? .number(value) }
}
