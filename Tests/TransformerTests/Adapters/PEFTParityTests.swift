import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// Adapters that PEFT saved: what it computes with them, and how it trains them. Made by `generate_adapters.py`.
@Suite("Adapters against PEFT")
struct PEFTParityTests {
    static let directory = Golden.directory("adapters")

    static let names =
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? [])
        .filter { !$0.hasSuffix(".json") && !$0.hasPrefix("adapterhub") }.sorted()

    /// An adapter of the goldens on its base.
    private struct Case {
        let encoder: TransformerEncoder
        let head: ClassificationHead
        let adapter: Adapter
        let configuration: PEFTConfiguration
        let json: JSON

        /// - Parameter isTrained: whether the adapter is as it was while PEFT trained it, with what made its prefix.
        init(_ name: String, isTrained: Bool = false) throws {
            let directory = ModelDirectory(PEFTParityTests.directory.appending(name))
            json = try Golden.json(directory.path)
            let base = ModelDirectory(Golden.directory(try #require(json["base"]?.string)))
            let architecture = try EncoderArchitecture(base.openConfiguration())
            let source = ParameterSource(
                try base.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
            encoder = try TransformerEncoder(source.root, architecture)
            head = try ClassificationHead(source.root, architecture, labels: 3)
            let found = try #require(try AdapterDirectory(directory))
            var settings = try PEFTConfiguration(
                JSONFile(directory.path.appending("adapter_config.json"), purpose: "the test"))
            var weights: any TensorArchive = found.weights
            if isTrained, case .prefix(var prefix) = settings.adapter, directory.exists("training.safetensors") {
                prefix.projectionSize = 12
                settings.adapter = .prefix(prefix)
                weights = try SafeTensors(directory.path.appending("training.safetensors"))
            }
            let adapterSource = ParameterSource(
                PEFTWeights.archive(weights), spellings: architecture.spellings.ofAdapters,
                random: RandomSource(seed: 0))
            adapter = try encoder.attach(
                settings.adapter, from: adapterSource, head: head, saved: settings.savedModules)
            try adapterSource.checkAllUsed { _ in false }
            configuration = settings
        }

        var batches: [(batch: TokenBatch, targets: [Int])] {
            (json["batches"]?.array ?? []).map { rows in
                let rows = rows.array ?? []
                return (
                    TokenBatch(rows.map { ($0["inputIDs"]?.integers ?? []).map { Int32($0) } }),
                    rows.compactMap { $0["label"]?.integer }
                )
            }
        }

        func forward(_ batch: TokenBatch) -> (logits: Tensor, backward: (Tensor) -> Void) {
            let pooling = head.architecture.pooling
            let (hidden, saved) = encoder.forward(batch, firstOnly: pooling == .first)
            let rows = encoder.rows(of: batch)
            let (logits, headSaved) = head.forward(pooling.pool(hidden, rows))
            return (
                logits, { encoder.backward(pooling.backward(head.backward($0, headSaved), rows), saved) }
            )
        }

        var trainableParameters: Int { adapter.parameters.reduce(0) { $0 + $1.shape.count } }
    }

    @Test("logits agree, attached and from a plan", arguments: names)
    func logits(name: String) throws {
        let test = try Case(name)
        let rows = (test.json["logits"]?.array ?? []).map { $0.numbers.map { Float($0) } }
        let expected = Tensor([rows.count, 3], rows.flatMap { $0 })
        let batch = try #require(test.batches.first).batch
        #expect(test.forward(batch).logits.relativeDifference(from: expected) < 2e-5)
        let pooling = test.head.architecture.pooling
        let plan = InferencePlan(test.encoder, precision: .f32)
        let features = pooling.pool(plan.encode(batch, firstOnly: pooling == .first), plan.rows(of: batch))
        #expect(test.head.forward(features).logits.relativeDifference(from: expected) < 2e-5)
    }

    @Test("ten steps of AdamW lose what PEFT loses", arguments: names)
    func training(name: String) throws {
        let test = try Case(name, isTrained: true)
        #expect(test.trainableParameters == test.json["trainableParameters"]?.integer)
        let expected = test.json["losses"]?.numbers ?? []
        let optimizer = Optimizer(test.adapter.parameters)
        let schedule = LearningRateSchedule(
            .linear, peak: test.json["peakLearningRate"]?.number ?? 0, warmupSteps: 3, steps: expected.count)
        for (step, (batch, targets)) in test.batches.enumerated() {
            let (logits, backward) = test.forward(batch)
            let (loss, gradient) = CrossEntropyLoss.evaluate(logits, targets: targets)
            #expect(abs(loss - expected[step]) < 1e-4, "step \(step)")
            backward(gradient)
            optimizer.step(learningRate: schedule.learningRate(at: step))
            optimizer.clearGradients()
        }
        #expect(expected.count == 10)
    }

    @Test("an adapter's files, written and read, are the same adapter", arguments: names)
    func writing(name: String) throws {
        let test = try Case(name)
        let file = JSONFile(
            FilePath("adapter_config.json"),
            object: test.configuration.object(test.adapter, test.encoder.architecture))
        let again = try PEFTConfiguration(file)
        #expect(
            again.savedModules == test.configuration.savedModules && again.baseModel == test.configuration.baseModel)
        let golden = try SafeTensors(Self.directory.appending(name).appending("adapter_model.safetensors"))
        let tensors = PEFTWeights.tensors(test.adapter)
        for (name, value) in tensors { #expect(try golden.values(name) == value, "\(name)") }
        let known = Set(tensors.map(\.name))
        let left = golden.entries.map(\.name).filter {
            !known.contains($0) && !$0.contains(".modules_to_save.") && !$0.contains(".original_module.")
        }
        #expect(left.isEmpty, "\(left)")
        let source = ParameterSource(nil, random: RandomSource(seed: 0))
        let other = try Case(name)
        try other.encoder.detach(named: other.adapter.name)
        let attached = try other.encoder.attach(
            again.adapter, from: source, head: other.head, saved: again.savedModules)
        #expect(Set(attached.parameters.map(\.name)) == Set(test.adapter.parameters.map(\.name)))
        #expect(
            attached.parameters.map(\.shape.count).reduce(0, +) == test.trainableParameters, "another number of values")
    }

    @Test("the numbers of trainable parameters are PEFT's, in every family")
    func counts() throws {
        let table = try #require(try Golden.json(Self.directory, "counts.json")["counts"]?.object)
        #expect(table.members.count > 15)
        for family in table.members {
            let directory = ModelDirectory(Golden.directory(family.key))
            for kind in family.value.object?.members ?? [] {
                let architecture = try EncoderArchitecture(directory.openConfiguration())
                let source = ParameterSource(
                    try directory.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
                let encoder = try TransformerEncoder(source.root, architecture)
                let head = try ClassificationHead(source.root, architecture, labels: 3)
                let adapter = try encoder.attach(
                    try #require(Self.configuration(kind.key)),
                    from: ParameterSource(nil, random: RandomSource(seed: 0)),
                    head: head, saved: ["classifier", "score"])
                let count = adapter.parameters.reduce(0) { $0 + $1.shape.count }
                #expect(count == kind.value.integer, "\(family.key), \(kind.key)")
            }
        }
    }

    private static func configuration(_ kind: String) -> AdapterConfiguration? {
        var settings = LoRAConfiguration()
        switch kind {
        case "lora": break
        case "ia3": return .ia3(IA3Configuration())
        case "all-linear":
            settings.rank = 3
            settings.targets = TargetModules(.allLinear)
        case "dora-biases":
            settings.rank = 2
            settings.usesMagnitudes = true
            settings.biases = .all
        default: return nil
        }
        return .lora(settings)
    }

    @Test(
        "what is not supported is refused by name",
        arguments: [
            ("peft_type", JSON.string("LOHA")), ("peft_type", .string("P_TUNING")),
            ("layer_replication", .array([.array([.integer(0), .integer(2)])])), ("lora_bias", .bool(true)),
            ("init_lora_weights", .string("pissa")), ("trainable_token_indices", .array([.integer(3)])),
            ("bias", .string("some")), ("r", .integer(0)), ("loftq_config", .object(["bits": .integer(4)])),
            ("fan_in_fan_out", .bool(true)), ("rank_pattern", .object(["query": .integer(0)])),
        ])
    func unsupported(key: String, value: JSON) throws {
        var file = try JSONFile(
            Self.directory.appending("lora").appending("adapter_config.json"), purpose: "the test")
        file.object[key] = value
        let error = #expect(throws: CheckpointError.self) { try PEFTConfiguration(file) }
        guard case .invalidValue(_, let found, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(found == key)
    }
}
