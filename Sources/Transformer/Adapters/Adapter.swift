import Tensors

/// A named set of small parameters on an encoder whose own stay as they are.
///
/// Source: Houlsby et al. 2019, "Parameter-Efficient Transfer Learning for NLP"; what is common to all kinds.
public final class Adapter {
    public let name: String
    public let configuration: AdapterConfiguration
    /// Those that learn, under the names of the adapter's file.
    public let parameters: [Parameter]
    let parts: [Part]

    /// What an adapter puts where.
    enum Part {
        case linear(Linear, Linear.Adapter)
        /// What bottlenecks make of a layer's half.
        case block(ResidualOutput, AdapterBlock)
        /// A parameter of the base that the adapter has its own value of.
        case replacement(Replacement)
        case prompt(Prompt)
        case prefix(Prefix)
    }

    final class Replacement {
        let parameter: Parameter
        /// In the adapter's file.
        let name: String
        /// The adapter's, or while that is active the base's.
        private(set) var other: Tensor

        init(_ parameter: Parameter, _ value: Tensor, name: String) {
            self.parameter = parameter
            self.name = name
            other = value
        }

        func exchange() {
            let value = parameter.value
            parameter.update { $0 = other }
            other = value
        }
    }

    init(name: String, configuration: AdapterConfiguration, parameters: [Parameter], parts: [Part]) {
        self.name = name
        self.configuration = configuration
        self.parameters = parameters
        self.parts = parts
    }

    func activate(on encoder: TransformerEncoder) {
        for part in parts {
            switch part {
            case .linear(let linear, let adapter): linear.adapter = adapter
            case .block(let place, let block): place.adapters = block
            case .replacement(let replacement): replacement.exchange()
            case .prompt(let prompt): encoder.embeddings.prompt = prompt
            case .prefix(let prefix): encoder.prefix = prefix
            }
        }
    }

    func deactivate(on encoder: TransformerEncoder) {
        for part in parts {
            switch part {
            case .linear(let linear, _): linear.adapter = nil
            case .block(let place, _): place.adapters = nil
            case .replacement(let replacement): replacement.exchange()
            case .prompt: encoder.embeddings.prompt = nil
            case .prefix: encoder.prefix = nil
            }
        }
    }

    /// The names of the modules that are adapted.
    func modules(where isWanted: (Linear.Adapter) -> Bool) -> [String] {
        parts.compactMap { part in
            if case .linear(let linear, let adapter) = part, isWanted(adapter) { linear.module } else { nil }
        }
    }
}
