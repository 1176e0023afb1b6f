package import Checkpoints
import Tensors

/// Declares the parameters of an encoder's bottleneck adapters under the names that AdapterHub gives them:
/// `bert.encoder.layer.0.output.adapters.NAME.adapter_down.0.weight`.
///
/// Source: adapters 1.3, `BottleneckLayer.add_adapter`, `Adapter`, `PHMLayer` and `init_shared_parameters`.
package struct BottleneckAssembly {
    private let configuration: BottleneckConfiguration
    private let name: String
    private let hiddenSize: Int
    private let scope: ParameterScope
    private let common: SharedFactors?
    /// Parameters that all adapters of the name have in common.
    let shared: [Parameter]

    /// What all adapters of a name have in common.
    private struct SharedFactors {
        var rules: HypercomplexLinear.Factors?
        var down, up: HypercomplexLinear.Factors?
    }

    /// - Parameter scope: the encoder's place.
    package init(
        _ configuration: BottleneckConfiguration, name: String, _ scope: ParameterScope, hiddenSize: Int
    ) throws(CheckpointError) {
        self.configuration = configuration
        self.name = name
        self.scope = scope
        self.hiddenSize = hiddenSize
        let before = scope.source.parameters.count
        common = try configuration.hypercomplex.map { kind throws(CheckpointError) in
            let scope = scope["shared_parameters"][name]
            var shared = SharedFactors()
            if kind.sharesRules { shared.rules = try Self.rules(scope, kind) }
            if kind.sharesBlocks {
                let inner = configuration.reductionFactor.size(of: hiddenSize, layer: -1) ?? 1
                shared.down = try Self.blocks(scope, "W_down", kind, hiddenSize, inner)
                shared.up = try Self.blocks(scope, "W_up", kind, inner, hiddenSize)
            }
            return shared
        }
        shared = Array(scope.source.parameters[before...])
    }

    /// One adapter for every place that the configuration names, from the bottom up. Layers that share their parameters
    /// share adapters.
    func adapters(
        of encoder: TransformerEncoder
    ) throws(CheckpointError) -> [(place: ResidualOutput, adapter: BottleneckAdapter)] {
        let names = encoder.architecture.names
        var seen: Set<ObjectIdentifier> = []
        var placed: [(place: ResidualOutput, adapter: BottleneckAdapter)] = []
        var index = 0
        for (layer, path) in zip(encoder.layers, encoder.architecture.layerPaths)
        where seen.insert(ObjectIdentifier(layer)).inserted {
            defer { index += 1 }
            if configuration.leaveOut.contains(index) { continue }
            let size = configuration.reductionFactor.size(of: hiddenSize, layer: index) ?? 1
            func add(_ place: ResidualOutput, _ name: String) throws(CheckpointError) {
                let scope = scope[path][name]["adapters"][self.name]
                placed.append((place, try adapter(scope, bottleneck: size)))
            }
            if configuration.isAfterAttention { try add(layer.attentionOutput, names.attentionAdapters) }
            if configuration.isAfterFeedForward { try add(layer.output, names.outputAdapters) }
        }
        return placed
    }

    /// - Parameter scope: the adapter's own place.
    package func adapter(_ scope: ParameterScope, bottleneck: Int) throws(CheckpointError) -> BottleneckAdapter {
        let size = hiddenSize
        func norm(_ name: String) throws(CheckpointError) -> LayerNorm {
            try LayerNorm(scope[name], size: size, NormalizationKind(epsilon: 1e-5))
        }
        let before = configuration.hasNormBefore ? try norm("adapter_norm_before") : nil
        // The library counts the normalization as the first part.
        let down = try projection(
            scope["adapter_down"][before == nil ? "0" : "1"], from: size, to: bottleneck, isUp: false)
        let up = try projection(scope["adapter_up"], from: bottleneck, to: size, isUp: true)
        let scaling: Parameter? =
            switch configuration.scaling {
            case .constant: nil
            case .learned: try scope.parameter("scaling", [1], .ones)
            case .learnedByChannel: try scope.parameter("scaling", [size], .ones)
            }
        return BottleneckAdapter(
            configuration, normBefore: before, down: down, up: up, scaling: scaling,
            normAfter: configuration.hasNormAfter ? try norm("adapter_norm_after") : nil)
    }

    private func projection(
        _ scope: ParameterScope, from inputSize: Int, to outputSize: Int, isUp: Bool
    ) throws(CheckpointError) -> BottleneckAdapter.Projection {
        guard let kind = configuration.hypercomplex else {
            let initializer: ParameterInitializer =
                switch configuration.initialization {
                case .bert: .normal(standardDeviation: 0.02)
                case .houlsby: .truncatedNormal(standardDeviation: 0.01)
                case .mamAdapter: isUp ? .zeros : .uniform(bound: 1 / Float(inputSize).squareRoot())
                }
            return .plain(
                Linear(
                    weight: try scope.parameter("weight", [outputSize, inputSize], initializer),
                    bias: try scope.parameter("bias", [outputSize], .zeros)))
        }
        let ownRules = kind.sharesRules ? nil : try Self.rules(scope, kind)
        let ownBlocks = kind.sharesBlocks ? nil : try Self.blocks(scope, "W", kind, inputSize, outputSize)
        guard let rules = ownRules ?? common?.rules, let blocks = ownBlocks ?? (isUp ? common?.up : common?.down)
        else { preconditionFailure("a Kronecker sum without parts") }
        return .hypercomplex(
            HypercomplexLinear(
                rules: rules, blocks: blocks, bias: kind.hasBias ? try scope.parameter("b", [outputSize], .zeros) : nil)
        )
    }

    private static func rules(
        _ scope: ParameterScope, _ kind: HypercomplexConfiguration
    ) throws(CheckpointError) -> HypercomplexLinear.Factors {
        let n = kind.dimension
        let initializer: ParameterInitializer =
            kind.hasUniformRules
            ? .uniform(bound: kind.sharesRules ? 1 : 0.01)
            : .normal(standardDeviation: kind.sharesRules ? kind.ruleDeviation : 0.01)
        let factors: HypercomplexLinear.Factors =
            kind.hasFactorizedRules
            ? .product(
                left: try scope.parameter("phm_rule_left", [n, n, 1], initializer),
                right: try scope.parameter("phm_rule_right", [n, 1, n], initializer))
            : .whole(try scope.parameter("phm_rule", [n, n, n], initializer))
        for parameter in factors.parameters { parameter.isTrainable = kind.learnsRules }
        return factors
    }

    /// Glorot's normal initialization, as the library has it whatever `hypercomplex_nonlinearity` says.
    private static func blocks(
        _ scope: ParameterScope, _ name: String, _ kind: HypercomplexConfiguration, _ inputSize: Int, _ outputSize: Int
    ) throws(CheckpointError) -> HypercomplexLinear.Factors {
        let n = kind.dimension
        func matrices(_ name: String, _ rows: Int, _ columns: Int) throws(CheckpointError) -> Parameter {
            try scope.parameter(
                name, [n, rows, columns], .normal(standardDeviation: (2 / Float(rows + columns)).squareRoot()))
        }
        guard let rank = kind.rank else { return .whole(try matrices(name, inputSize / n, outputSize / n)) }
        return .product(
            left: try matrices(name + "_left", inputSize / n, rank),
            right: try matrices(name + "_right", rank, outputSize / n))
    }
}

extension BottleneckConfiguration {
    /// Checks that the adapters fit an encoder, before a parameter is declared.
    ///
    /// - Parameter layers: the number of different layers.
    func check(for hiddenSize: Int, layers: Int, name: String) throws(AdapterError) {
        for layer in 0..<layers where !leaveOut.contains(layer) {
            guard let size = reductionFactor.size(of: hiddenSize, layer: layer) else {
                throw .noReductionFactor(name: name, layer: layer)
            }
            guard let parts = hypercomplex?.dimension else { continue }
            for size in [hiddenSize, size] where size % parts != 0 {
                throw .indivisible(name: name, size: size, parts: parts)
            }
        }
    }
}
