import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("Adapters")
struct AdapterTests {
    /// A tiny encoder of a family with three texts.
    struct Model {
        let encoder: TransformerEncoder
        let batch: TokenBatch

        init(_ name: String) throws {
            let directory = ModelDirectory(Golden.directory(name))
            let architecture = try EncoderArchitecture(directory.openConfiguration())
            let source = ParameterSource(
                try directory.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
            encoder = try TransformerEncoder(source.root, architecture)
            batch = TokenBatch([[2, 7, 11, 9, 3], [5, 8], [4, 6, 10, 12]])
        }

        var output: Tensor { encoder.forward(batch).output }
        var firsts: Tensor { encoder.forward(batch, firstOnly: true).output }
        var planned: Tensor { InferencePlan(encoder, precision: .f32).encode(batch) }

        /// Moves the adapter's parameters away from where they start.
        func disturb(_ adapter: Adapter, seed: UInt64 = 5) {
            let random = RandomSource(seed: seed)
            for parameter in adapter.parameters {
                let noise = random.normalTensor(parameter.shape, standardDeviation: 0.1)
                parameter.update { $0 += noise }
            }
        }
    }

    static func random() -> ParameterSource { ParameterSource(nil, random: RandomSource(seed: 3)) }

    static var lora: LoRAConfiguration {
        var settings = LoRAConfiguration()
        settings.rank = 3
        settings.alpha = 5
        return settings
    }

    struct Kind: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let configuration: AdapterConfiguration
    }

    static let kinds = [
        Kind(testDescription: "LoRA", configuration: .lora(lora)),
        Kind(
            testDescription: "LoRA on every matrix, biases too",
            configuration: .lora(
                {
                    var settings = lora
                    settings.targets = TargetModules(.allLinear)
                    settings.biases = .all
                    settings.isRankStabilized = true
                    return settings
                }())),
        Kind(
            testDescription: "LoRA with dropout",
            configuration: .lora(
                {
                    var settings = lora
                    settings.dropout = 0.4
                    return settings
                }())),
        Kind(
            testDescription: "DoRA",
            configuration: .lora(
                {
                    var settings = lora
                    settings.usesMagnitudes = true
                    return settings
                }())),
        Kind(
            testDescription: "DoRA with dropout",
            configuration: .lora(
                {
                    var settings = lora
                    settings.usesMagnitudes = true
                    settings.dropout = 0.4
                    return settings
                }())),
        Kind(testDescription: "IA3", configuration: .ia3(IA3Configuration())),
    ]

    static let virtualKinds = [
        Kind(
            testDescription: "prompt",
            configuration: .prompt(
                {
                    var settings = PromptConfiguration()
                    settings.virtualTokens = 3
                    return settings
                }())),
        Kind(testDescription: "prefix", configuration: .prefix(prefix(nil, shifts: true))),
        Kind(testDescription: "prefix that a network makes", configuration: .prefix(prefix(5, shifts: true))),
        Kind(testDescription: "prefix beside places from 0", configuration: .prefix(prefix(nil, shifts: false))),
    ]

    private static func prefix(_ projectionSize: Int?, shifts: Bool) -> PrefixConfiguration {
        var settings = PrefixConfiguration()
        settings.virtualTokens = 3
        settings.projectionSize = projectionSize
        settings.shiftsPlaces = shifts
        return settings
    }

    static let families = FamilyParityTests.names.map { "families/" + $0 } + ["tiny-bert-gelu"]

    @Test("a new adapter changes nothing, in any family", arguments: families, kinds)
    func startsAsNothing(family: String, kind: Kind) throws {
        let model = try Model(family)
        let before = model.output
        let adapter = try model.encoder.attach(kind.configuration, from: Self.random())
        #expect(!adapter.parameters.isEmpty)
        #expect(model.output.relativeDifference(from: before) < 1e-5)
        #expect(Set(adapter.parameters.map(\.name)).count == adapter.parameters.count)
    }

    @Test(
        "attached, taken in by a plan, and of first tokens alone, an adapter computes the same", arguments: families,
        kinds + virtualKinds)
    func plan(family: String, kind: Kind) throws {
        let model = try Model(family)
        if case .prefix = kind.configuration, !Self.takesPrefix(model.encoder) {
            #expect(throws: AdapterError.self) {
                try model.encoder.attach(kind.configuration, from: Self.random())
            }
            return
        }
        let before = model.firsts
        let adapter = try model.encoder.attach(kind.configuration, from: Self.random())
        model.disturb(adapter)
        let after = model.output
        #expect(model.firsts.relativeDifference(from: before) > 1e-4)
        #expect(model.planned.relativeDifference(from: after) < 5e-5)
        let rows = model.encoder.rows(of: model.batch).map { Int32($0.lowerBound) }
        #expect(model.firsts.relativeDifference(from: after.gather(rows)) < 1e-5)
    }

    private static func takesPrefix(_ encoder: TransformerEncoder) -> Bool {
        encoder.architecture.relativePositions == .none && encoder.architecture.localAttention == nil
    }

    @Test("switching adapters leaves the base as it was")
    func switching() throws {
        let model = try Model("tiny-bert-gelu")
        let base = model.output
        var all = Self.lora
        all.biases = .all
        let first = try model.encoder.attach(.lora(all), name: "first", from: Self.random())
        model.disturb(first)
        let firstOutput = model.output
        let second = try model.encoder.attach(.ia3(IA3Configuration()), name: "second", from: Self.random())
        model.disturb(second)
        let secondOutput = model.output
        try model.encoder.activate(named: "first")
        #expect(model.output == firstOutput)
        try model.encoder.activate(named: nil)
        #expect(model.output == base)
        try model.encoder.activate(named: "second")
        #expect(model.output == secondOutput)
        try model.encoder.detach(named: "second")
        #expect(model.output == base && model.encoder.adapters.map(\.name) == ["first"])
        #expect(throws: AdapterError.unknownAdapter("third", known: ["first"])) {
            try model.encoder.activate(named: "third")
        }
        #expect(throws: AdapterError.nameTaken("first")) {
            try model.encoder.attach(.lora(all), name: "first", from: Self.random())
        }
    }

    @Test(
        "gradients of an adapter equal central differences, and nothing else has one", arguments: kinds + virtualKinds,
        ["tiny-bert-gelu", "families/modernbert", "families/deberta-v3", "families/albert"])
    func gradients(kind: Kind, family: String) throws {
        let model = try Model(family)
        if case .prefix = kind.configuration, !Self.takesPrefix(model.encoder) { return }
        let adapter = try model.encoder.attach(kind.configuration, from: Self.random())
        model.disturb(adapter)
        func run() -> (output: Tensor, saved: TransformerEncoder.Saved) {
            model.encoder.forward(model.batch, firstOnly: true, training: RandomSource(seed: 4))
        }
        let (output, saved) = run()
        let weights = RandomSource(seed: 8).normalTensor(output.shape, standardDeviation: 1)
        model.encoder.backward(weights, saved)
        func loss() -> Double {
            zip(run().output.values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let learned = Set(adapter.parameters.map(ObjectIdentifier.init))
        #expect(
            model.encoder.parameters.allSatisfy { $0.gradient == nil || learned.contains(ObjectIdentifier($0)) })
        // One direction for each parameter: the sum over it says as much as its values one by one.
        let random = RandomSource(seed: 9)
        for parameter in adapter.parameters where !Self.isPartial(parameter, kind) {
            let gradient = try #require(parameter.gradient?.dense, "\(parameter.name) has no gradient")
            let value = parameter.value
            var direction = random.normalTensor(parameter.shape, standardDeviation: 1)
            direction.scale(by: 1 / Float(direction.sumOfSquares.squareRoot()))
            func shifted(_ h: Float) -> Double {
                var step = direction
                step.scale(by: h)
                parameter.update { $0 += step }
                defer { parameter.update { $0 = value } }
                return loss()
            }
            let h: Float = 1e-2
            let wide = (shifted(2 * h) - shifted(-2 * h)) / Double(4 * h)
            let narrow = (shifted(h) - shifted(-h)) / Double(2 * h)
            let numeric = (4 * narrow - wide) / 3
            let analytic = zip(gradient.values, direction.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
            #expect(abs(analytic - numeric) < 3e-3 * max(1, abs(numeric)), "\(parameter.name)")
        }
    }

    /// DoRA takes the lengths of the rows as constants, so that its matrices have other gradients than the loss has; those
    /// are PEFT's in ten steps. Source: Liu et al. 2024, "DoRA", §4.3.
    private static func isPartial(_ parameter: Parameter, _ kind: Kind) -> Bool {
        if case .lora(let settings) = kind.configuration, settings.usesMagnitudes {
            !parameter.name.contains("magnitude")
        } else {
            false
        }
    }

    @Test("targets that match nothing are refused with the list of what there is")
    func noTargets() throws {
        let model = try Model("tiny-bert-gelu")
        var settings = Self.lora
        settings.targets = TargetModules(.named(["q_proj"]))
        #expect(
            throws: AdapterError.noTargets(
                wanted: .named(["q_proj"]),
                modules: [
                    "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
                    "intermediate.dense", "output.dense",
                ])
        ) { try model.encoder.attach(.lora(settings), from: Self.random()) }
        settings.targets = TargetModules(.matching("(query"))
        #expect(throws: AdapterError.invalidPattern("(query")) {
            try model.encoder.attach(.lora(settings), from: Self.random())
        }
    }

    @Test("a rank below 1 is refused", arguments: [0, -2])
    func rank(rank: Int) throws {
        let model = try Model("tiny-bert-gelu")
        var settings = LoRAConfiguration()
        settings.rank = rank
        #expect(throws: AdapterError.nonPositive(setting: "rank", found: rank)) {
            try model.encoder.attach(.lora(settings), from: Self.random())
        }
    }

    @Test("layers, patterns of ranks and exclusions choose as PEFT's do")
    func choices() throws {
        let model = try Model("tiny-bert-gelu")
        var settings = Self.lora
        settings.targets = TargetModules(.named(["query", "dense"]))
        settings.targets.excluded = .named(["intermediate.dense"])
        settings.targets.layers = [1]
        settings.rankPattern = [ModulePattern("attention.*dense", 2)]
        let adapter = try model.encoder.attach(.lora(settings), from: Self.random())
        #expect(
            adapter.parameters.filter { $0.name.hasSuffix("lora_A.weight") }.map { "\($0.name) \($0.shape.rows)" } == [
                "bert.encoder.layer.1.attention.self.query.lora_A.weight 3",
                "bert.encoder.layer.1.attention.output.dense.lora_A.weight 2",
                "bert.encoder.layer.1.output.dense.lora_A.weight 3",
            ])
    }
}
