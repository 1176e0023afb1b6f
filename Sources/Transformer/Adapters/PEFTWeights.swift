public import Checkpoints
public import Tensors

/// The names that PEFT gives an adapter's tensors.
///
/// Source: peft 0.21, `get_peft_model_state_dict`.
public enum PEFTWeights {
    /// The tensors of an adapter's file under the names that they have here: without the wrappers' prefixes, and without the
    /// copies that PEFT writes of the modules it trains beside biases.
    public static func archive(_ weights: any TensorArchive) -> RenamedArchive {
        RenamedArchive(weights) { name in
            if name.contains(".modules_to_save.") || name.contains(".original_module.") { return nil }
            for prefix in ["base_model.model.", "base_model."] where name.hasPrefix(prefix) {
                return String(name.dropFirst(prefix.count))
            }
            return name
        }
    }

    /// What an active adapter's file holds.
    public static func tensors(_ adapter: Adapter) -> [(name: String, value: Tensor)] {
        let prefix = adapter.configuration.isFoldable ? "base_model.model." : "base_model."
        return adapter.parts.flatMap { part -> [(name: String, value: Tensor)] in
            switch part {
            case .linear(_, .lora(let lora)): lora.parameters.map { (prefix + $0.name, $0.value) }
            case .linear(_, .ia3(let ia3)): [(prefix + ia3.factors.name, ia3.factors.value)]
            case .replacement(let replacement): [(prefix + replacement.name, replacement.parameter.value)]
            // In AdapterHub's files.
            case .block: []
            case .prompt(let prompt): [("prompt_embeddings", prompt.embeddings.value)]
            case .prefix(let prefix): [("prompt_embeddings", prefix.forward().output)]
            }
        }
    }
}

extension CheckpointSpellings {
    /// The same for an adapter's file: PEFT on an encoder alone has no prefix.
    public var ofAdapters: CheckpointSpellings { CheckpointSpellings(optionalPrefix: optionalPrefix) }
}
