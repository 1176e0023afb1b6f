import Checkpoints
import Tensors

/// The parts of an adapter while they are put together.
struct AdapterAssembly {
    private(set) var parts: [Adapter.Part] = []
    private(set) var parameters: [Parameter] = []
    let encoder: TransformerEncoder
    let source: ParameterSource
    private let head: ClassificationHead?
    private let saved: [String]

    init(_ encoder: TransformerEncoder, head: ClassificationHead?, saved: [String], _ source: ParameterSource) {
        self.encoder = encoder
        self.source = source
        self.head = head
        self.saved = saved
    }

    /// What the adapter may find in the model.
    var all: [Parameter] {
        encoder.parameters
            + [
                head?.dense?.weight, head?.dense?.bias, head?.norm?.weight, head?.norm?.bias, head?.output.weight,
                head?.output.bias,
            ].compactMap { $0 }
    }

    private var linears: [Linear] { encoder.linears + (head?.dense.map { [$0] } ?? []) }

    mutating func add(_ configuration: AdapterConfiguration, name: String) throws(AdapterError) {
        switch configuration {
        case .lora(let settings): try addLoRA(settings)
        case .ia3(let settings): try addIA3(settings)
        case .prompt(let settings): try addPrompt(settings)
        case .prefix(let settings): try addPrefix(settings)
        case .bottleneck(let settings): try addBottlenecks(settings, name: name)
        case .composition: preconditionFailure("adapters are put together by compose")
        }
        for parameter in all where TargetModules.isSaved(parameter.name, saved) {
            try replace(parameter, named: parameter.name)
        }
    }

    /// - Parameter learned: those of the part that learn.
    mutating func add(_ part: Adapter.Part, _ learned: [Parameter]) {
        parts.append(part)
        parameters += learned
    }

    /// Gives the adapter a value of its own of a base's parameter.
    ///
    /// - Parameter name: in the adapter's file.
    mutating func replace(_ parameter: Parameter, named name: String) throws(AdapterError) {
        let value = try declare(name, parameter.shape, .value(parameter.value)).value
        parameter.isTrainable = true
        add(.replacement(Adapter.Replacement(parameter, value, name: name)), [parameter])
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
        let adapted = Set(targets.compactMap(\.bias?.name))
        for bias in biases(settings.biases, of: targets) {
            // PEFT wraps the layers that it adapts.
            let name = adapted.contains(bias.name) ? bias.name.dropLast("bias".count) + "base_layer.bias" : bias.name
            try replace(bias, named: name)
        }
    }

    /// The base's biases that learn beside the updates of `targets`: of relative positions none, as with PEFT.
    private func biases(_ kind: LoRAConfiguration.Biases, of targets: [Linear]) -> [Parameter] {
        switch kind {
        case .none: return []
        case .adapted: return targets.compactMap(\.bias)
        case .all:
            return all.filter { $0.name.hasSuffix(".bias") && !TargetModules.isSaved($0.name, saved) }
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

    private mutating func addPrompt(_ settings: PromptConfiguration) throws(AdapterError) {
        try check(settings.virtualTokens, encoder.architecture.maxTokens - 2)
        let words = encoder.embeddings.wordEmbeddings.weight
        let rows = (0..<settings.virtualTokens).map { _ in
            Int(source.random.next() % UInt64(words.shape.rows))
        }
        let start = Tensor(rows: rows.map { words.stored.rows($0..<$0 + 1).tensor })
        let prompt = Prompt(embeddings: try declare("prompt_embeddings", start.shape, .value(start)))
        add(.prompt(prompt), [prompt.embeddings])
    }

    private mutating func addPrefix(_ settings: PrefixConfiguration) throws(AdapterError) {
        let architecture = encoder.architecture
        guard architecture.relativePositions == .none, architecture.localAttention == nil else {
            throw .unsupported(
                kind: "prefix tuning", modelType: architecture.modelType,
                reason: "its attention knows distances, and a prefix has none")
        }
        try check(settings.virtualTokens, settings.shiftsPlaces ? architecture.maxTokens - 2 : .max)
        let width = 2 * architecture.numHiddenLayers * architecture.attentionSize
        guard let inner = settings.projectionSize else {
            let embeddings = try declare(
                "prompt_embeddings", [settings.virtualTokens, width], .normal(standardDeviation: 1))
            let prefix = Prefix(embeddings: embeddings, network: nil, shiftsPlaces: settings.shiftsPlaces)
            return add(.prefix(prefix), [embeddings])
        }
        guard inner > 0 else { throw .nonPositive(setting: "the width of the projection", found: inner) }
        let embeddings = try declare(
            "prompt_encoder.embedding.weight", [settings.virtualTokens, architecture.hiddenSize],
            .normal(standardDeviation: 1))
        let network = Prefix.Network(
            first: try linear("prompt_encoder.transform.0", from: architecture.hiddenSize, to: inner),
            second: try linear("prompt_encoder.transform.2", from: inner, to: width))
        let prefix = Prefix(embeddings: embeddings, network: network, shiftsPlaces: settings.shiftsPlaces)
        let layers = [network.first, network.second].flatMap { [$0.weight] + ($0.bias.map { [$0] } ?? []) }
        add(.prefix(prefix), [embeddings] + layers)
    }

    /// A layer of the adapter's own, which starts as torch's do.
    private func linear(_ name: String, from inputs: Int, to outputs: Int) throws(AdapterError) -> Linear {
        let start = ParameterInitializer.uniform(bound: 1 / Float(inputs).squareRoot())
        return Linear(
            weight: try declare(name + ".weight", [outputs, inputs], start),
            bias: try declare(name + ".bias", [outputs], start))
    }

    private func check(_ virtualTokens: Int, _ limit: Int) throws(AdapterError) {
        guard virtualTokens > 0 else {
            throw .nonPositive(setting: "the number of virtual tokens", found: virtualTokens)
        }
        guard virtualTokens < limit else { throw .tooManyVirtualTokens(virtualTokens, limit: limit) }
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
