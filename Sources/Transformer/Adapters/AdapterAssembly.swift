import Checkpoints
import Tensors

/// The parts of an adapter while they are put together.
struct AdapterAssembly {
    private(set) var parts: [Adapter.Part] = []
    private(set) var parameters: [Parameter] = []
    let encoder: TransformerEncoder
    let source: ParameterSource
    private let linears: [Linear]
    private let saved: [String]

    init(_ encoder: TransformerEncoder, head: [Linear], saved: [String], _ source: ParameterSource) {
        self.encoder = encoder
        self.source = source
        self.saved = saved
        linears = encoder.linears + head
    }

    mutating func add(_ configuration: AdapterConfiguration, name: String) throws(AdapterError) {
        switch configuration {
        case .lora(let settings): try addLoRA(settings)
        case .ia3(let settings): try addIA3(settings)
        case .bottleneck(let settings): try addBottlenecks(settings, name: name)
        case .composition: preconditionFailure("adapters are put together by compose")
        }
    }

    /// - Parameter learned: those of the part that learn.
    mutating func add(_ part: Adapter.Part, _ learned: [Parameter]) {
        parts.append(part)
        parameters += learned
    }

    /// Gives the adapter a value of its own of a base's parameter.
    mutating func replace(_ parameter: Parameter) throws(AdapterError) {
        let value = try declare(parameter.name, parameter.shape, .value(parameter.value)).value
        parameter.isTrainable = true
        add(.replacement(Adapter.Replacement(parameter, value)), [parameter])
    }

    /// A parameter of the adapter, under its full name.
    func declare(
        _ name: String, _ shape: Shape, _ initializer: ParameterInitializer
    ) throws(AdapterError) -> Parameter {
        do {
            return try source.declare(name, shape, initializer)
        } catch { throw .checkpoint(error) }
    }

    // MARK: Kinds

    private mutating func addLoRA(_ settings: LoRAConfiguration) throws(AdapterError) {
        guard settings.rank > 0 else { throw .nonPositive(setting: "rank", found: settings.rank) }
        let targets = try targets(settings.targets, usual: encoder.architecture.usualLoRATargets)
        for linear in targets {
            let module = linear.module
            let rank = settings.rank(of: module)
            guard rank > 0 else { throw .nonPositive(setting: "rank of \(module)", found: rank) }
            // Kaiming's initialization with the slope √5.
            let a = try declare(
                module + ".lora_A.weight", [rank, linear.inputSize],
                .uniform(bound: 1 / Float(linear.inputSize).squareRoot()))
            let b = try declare(module + ".lora_B.weight", [linear.outputSize, rank], .zeros)
            var magnitudes: Parameter?
            if settings.usesMagnitudes {
                magnitudes = try declare(
                    module + ".lora_magnitude_vector", [linear.outputSize],
                    .value(LoRA.magnitudes(of: linear.weight.value)))
            }
            let lora = LoRA(
                a: a, b: b, magnitudes: magnitudes, scale: settings.scale(of: module), dropout: settings.dropout)
            add(.linear(linear, .lora(lora)), lora.parameters)
        }
        for bias in biases(settings.biases, of: targets) { try replace(bias) }
    }

    /// The base's biases that learn beside the updates of `targets`.
    private func biases(_ kind: LoRAConfiguration.Biases, of targets: [Linear]) -> [Parameter] {
        switch kind {
        case .none: []
        case .adapted: targets.compactMap(\.bias)
        case .all: encoder.parameters.filter { $0.name.hasSuffix(".bias") }
        }
    }

    private mutating func addIA3(_ settings: IA3Configuration) throws(AdapterError) {
        let architecture = encoder.architecture
        let feedForward = settings.feedForward ?? .usual
        for linear in try targets(settings.targets, usual: architecture.usualIA3Targets) {
            let scalesInput = feedForward.contains(linear.module, usual: architecture.usualIA3FeedForward)
            let factors = try declare(
                linear.module + ".ia3_l", scalesInput ? [1, linear.inputSize] : [linear.outputSize, 1], .ones)
            add(.linear(linear, .ia3(IA3(factors: factors, scalesInput: scalesInput))), [factors])
        }
    }

    private mutating func addBottlenecks(
        _ settings: BottleneckConfiguration, name: String
    ) throws(AdapterError) {
        let architecture = encoder.architecture
        try settings.check(for: architecture.hiddenSize, layers: Set(architecture.layerPaths).count, name: name)
        do {
            let assembly = try BottleneckAssembly(
                settings, name: name, source.root[architecture.names.prefix], hiddenSize: architecture.hiddenSize)
            let before = source.parameters.count
            for (place, adapter) in try assembly.adapters(of: encoder) {
                add(.block(place, AdapterBlock([adapter])), [])
            }
            parameters += assembly.shared + source.parameters[before...]
        } catch { throw .checkpoint(error) }
    }

    // MARK: Targets

    private func targets(_ targets: TargetModules, usual: [String]) throws(AdapterError) -> [Linear] {
        try targets.checkPatterns()
        let found = linears.filter { targets.contains($0.module, usual: usual, saved: saved) }
        guard !found.isEmpty else {
            throw .noTargets(wanted: targets.selection, modules: Self.shortNames(linears.map(\.module)))
        }
        return found
    }

    /// The names of modules behind a layer's number, each once.
    private static func shortNames(_ modules: [String]) -> [String] {
        var seen: Set<String> = []
        return modules.map { module in
            let parts = module.split(separator: ".")
            let number = parts.lastIndex { $0.allSatisfy(\.isNumber) }
            return parts[(number.map { $0 + 1 } ?? 0)...].joined(separator: ".")
        }.filter { seen.insert($0).inserted }
    }
}
