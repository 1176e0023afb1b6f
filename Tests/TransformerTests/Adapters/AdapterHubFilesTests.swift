import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("AdapterHubFiles")
struct AdapterHubFilesTests {
    private typealias Parity = AdapterHubParityTests

    private static let kinds = AdapterHubParityTests.names { !AdapterHubParityTests.isComposition($0) }

    private func directory(_ name: String) -> ModelDirectory { ModelDirectory(Parity.directory.appending(name)) }

    @Test("what is written is read as it was, settings, adapter and head", arguments: kinds)
    func roundTrip(name: String) throws {
        let scratch = try TemporaryDirectory()
        let original = try AdapterHubDirectory(directory(name))
        let encoder = try Parity.encoder(name)
        let adapter = try encoder.attach(original)
        let published = try #require(original.head)
        let source = ParameterSource(published.weights, random: RandomSource(seed: 0))
        let head = try ClassificationHead(
            source.root, encoder.architecture, head: published.architecture(encoder.architecture), labels: 3)
        let files = AdapterHubFiles(encoder.architecture, baseModel: "org/base")
        try files.write(adapter, to: scratch.path)
        try files.write(head, name: "task", labels: published.labels, .classification, to: scratch.path)

        let again = try AdapterHubDirectory(ModelDirectory(scratch.path))
        #expect(again.configuration == original.configuration && again.baseModel == "org/base")
        #expect(again.head?.labels == published.labels)
        let other = try Parity.encoder(name)
        try other.attach(again)
        let texts = TokenBatch([[2, 20, 21, 3], [2, 30, 3]])
        let hidden = other.forward(texts, firstOnly: true).output
        #expect(hidden == encoder.forward(texts, firstOnly: true).output)
        let headAgain = try #require(again.head)
        let headSource = ParameterSource(headAgain.weights, random: RandomSource(seed: 0))
        let otherHead = try ClassificationHead(
            headSource.root, other.architecture, head: headAgain.architecture(other.architecture), labels: 3)
        #expect(otherHead.forward(hidden).logits == head.forward(hidden).logits)
        let theirs = try JSONFile(directory(name).path.appending("adapter_config.json"), purpose: "the test")
        let ours = try JSONFile(scratch("adapter_config.json"), purpose: "the test")
        for member in theirs.object["config"]?.object?.members ?? [] {
            let value = ours.object["config"]?[member.key]
            #expect(
                value == member.value || value?.number == member.value.number && value?.number != nil
                    || value?.string == "silu", "\(member.key)")
        }
    }

    @Test("a fusion is written and read again")
    func fusion() throws {
        let scratch = try TemporaryDirectory()
        let test = try Parity.Case("bert-fusion")
        let fusion = try #require(test.encoder.activeAdapter)
        try AdapterHubFiles(test.encoder.architecture, baseModel: "").write(
            FusionConfiguration(), of: ["first", "second"], fusion, to: scratch.path)
        let texts = test.batches[0].texts
        let expected = test.forward(texts).0
        try test.encoder.detach(named: fusion.name)
        try test.encoder.attach(AdapterHubFusionDirectory(ModelDirectory(scratch.path)))
        #expect(test.forward(texts).0 == expected)
    }

    @Test("adapters are switched, stacked and taken away on one base")
    func switching() throws {
        let encoder = try Parity.encoder("bert")
        let texts = TokenBatch([[2, 20, 21, 3], [2, 30, 3]])
        let plain = encoder.forward(texts).output
        try encoder.attach(AdapterHubDirectory(directory("bert-pfeiffer")), name: "a")
        let a = encoder.forward(texts).output
        try encoder.attach(AdapterHubDirectory(directory("bert-houlsby")), name: "b")
        let b = encoder.forward(texts).output
        #expect(a != plain && b != plain && a != b)
        let none = ParameterSource(nil, random: RandomSource(seed: 1))
        try encoder.compose(.stack(["a", "b"]), from: none)
        let stack = encoder.forward(texts).output
        #expect(stack != a && stack != b)
        try encoder.compose(.average(["a", "b"], weights: [1, 0]), name: "mostly a", from: none)
        try encoder.activate(named: "a")
        #expect(encoder.forward(texts).output == a)
        try encoder.activate(named: "a,b")
        #expect(encoder.forward(texts).output == stack)
        encoder.skipAdapters(below: 2)
        #expect(encoder.forward(texts).output == plain)
        encoder.skipAdapters(below: 0)
        try encoder.activate(named: nil)
        #expect(encoder.forward(texts).output == plain)
        try encoder.detach(named: "b")
        #expect(throws: AdapterError.unknownAdapter("b", known: ["a", "a,b", "mostly a"])) {
            try encoder.activate(named: "b")
        }
    }

    @Test("new adapters change little or nothing, and learn as many values as the library's")
    func initialization() throws {
        let cases: [(BottleneckConfiguration, String, Float)] = [
            (.pfeiffer, "bert-pfeiffer", 0.1), (.houlsby, "bert-houlsby", 0.1), (.parallel, "bert-parallel", 0),
            (.compacter, "bert-compacter", 1e-3),
        ]
        for (kind, golden, limit) in cases {
            var kind = kind
            kind.reductionFactor = 4
            let encoder = try Parity.encoder("bert")
            let texts = TokenBatch([[2, 20, 21, 3]])
            let plain = encoder.forward(texts).output
            let source = ParameterSource(nil, random: RandomSource(seed: 3))
            let adapter = try encoder.attach(.bottleneck(kind), name: "task", from: source)
            let change = encoder.forward(texts).output.relativeDifference(from: plain)
            // Pfeiffer's kind normalizes twice what the base normalizes once.
            #expect(kind.normalizesInput || change <= limit, "\(golden)")
            let theirs = try AdapterHubDirectory(directory(golden)).weights.entries
            #expect(adapter.parameters.reduce(0) { $0 + $1.shape.count } == theirs.reduce(0) { $0 + $1.shape.count })
            #expect(Set(adapter.parameters.map(\.name)) == Set(theirs.map(\.name)))
        }
    }

    @Test("files of the library's first versions are read, whose names and activations are others")
    func oldFiles() throws {
        let scratch = try TemporaryDirectory()
        let new = try AdapterHubDirectory(directory("bert-channels"))
        let old = try changed("bert-channels", in: scratch) { file in
            file["version"] = nil
            var object = file["config"]?.object ?? [:]
            object["non_linearity"] = .string("gelu_orig")
            for key in ["dropout", "phm_layer", "use_gating", "stochastic_depth", "init_weights_seed"] {
                object[key] = nil
            }
            file["config"] = .object(object)
        }
        let renamed = try new.weights.entries.map { entry in
            let place = entry.name.contains("attention") ? "attention_text_task_adapters" : "layer_text_task_adapters"
            return (
                name: entry.name.replacing(".adapters.", with: ".\(place)."), value: try new.weights.tensor(entry)
            )
        }
        try SafeTensors.write(renamed, to: scratch("adapter.safetensors"))
        let texts = TokenBatch([[2, 20, 21, 3]])
        let outputs = try [new, AdapterHubDirectory(old)].map { directory in
            let encoder = try Parity.encoder("bert")
            try encoder.attach(directory, name: "another name")
            return encoder.forward(texts).output
        }
        #expect(outputs[0] == outputs[1])
    }

    @Test("AdapterDrop leaves layers out, whole or for a while")
    func leaveOut() throws {
        let encoder = try Parity.encoder("bert")
        var kind = BottleneckConfiguration.houlsby
        kind.leaveOut = [0]
        let source = ParameterSource(nil, random: RandomSource(seed: 3))
        let adapter = try encoder.attach(.bottleneck(kind), from: source)
        #expect(adapter.parameters.allSatisfy { $0.name.contains("layer.1.") } && adapter.parameters.count == 8)
        let texts = TokenBatch([[2, 20, 21, 3]])
        encoder.skipAdapters(below: 2)
        let (output, saved) = encoder.forward(texts)
        encoder.backward(output, saved)
        #expect(adapter.parameters.allSatisfy { $0.gradient == nil }, "skipped adapters learn nothing")
        encoder.skipAdapters(below: 0)
        let (again, savedAgain) = encoder.forward(texts)
        encoder.backward(again, savedAgain)
        #expect(adapter.parameters.allSatisfy { $0.gradient != nil })
    }

    // MARK: Bad input

    /// A copy of a golden with some settings changed.
    private func changed(
        _ name: String = "bert-pfeiffer", in scratch: TemporaryDirectory, _ change: (inout JSONObject) -> Void
    ) throws -> ModelDirectory {
        let source = Parity.directory.appending(name)
        for file in ["adapter.safetensors"] {
            try scratch.write(try #require(contents(of: source.appending(file))), to: file)
        }
        var file = try JSONFile(source.appending("adapter_config.json"), purpose: "the test")
        change(&file.object)
        try file.write(to: scratch("adapter_config.json"))
        return ModelDirectory(scratch.path)
    }

    @Test("an adapter for another base, by its type or its size, is refused")
    func anotherBase() throws {
        let roberta = try Parity.encoder("roberta")
        let file = Parity.directory.appending("bert-pfeiffer/adapter_config.json")
        #expect {
            try roberta.attach(AdapterHubDirectory(directory("bert-pfeiffer")))
        } throws: { error in
            guard case AdapterError.checkpoint(.invalidValue(file, key: "model_type", found: "\"bert\"", _)) = error
            else { return false }
            return true
        }
        let scratch = try TemporaryDirectory()
        let other = try changed(in: scratch) { $0["hidden_size"] = .integer(24) }
        #expect {
            try Parity.encoder("bert").attach(AdapterHubDirectory(other))
        } throws: { error in
            guard case AdapterError.checkpoint(.invalidValue(_, key: "hidden_size", found: "24", _)) = error else {
                return false
            }
            return true
        }
        let untold = try changed(in: scratch) {
            $0["config"] = .object(
                ($0["config"]?.object).map { object in
                    var object = object
                    object["reduction_factor"] = .integer(8)
                    return object
                } ?? [:])
        }
        #expect(
            throws: AdapterError.checkpoint(
                .shapeMismatch(
                    scratch("adapter.safetensors"),
                    name: "bert.encoder.layer.0.output.adapters.task.adapter_down.0.weight", found: [4, 16],
                    expected: [2, 16]))
        ) { try Parity.encoder("bert").attach(AdapterHubDirectory(untold)) }
    }

    @Test("an adapter of PEFT's is refused, and said to be one")
    func ofPEFT() throws {
        let scratch = try TemporaryDirectory()
        let directory = try changed(in: scratch) { $0["peft_type"] = .string("LORA") }
        #expect {
            try AdapterHubDirectory(directory)
        } throws: { error in
            guard case CheckpointError.invalidValue(_, key: "peft_type", found: "\"LORA\"", _) = error else {
                return false
            }
            return true
        }
    }

    @Test(
        "settings that are not run are refused by name",
        arguments: [
            ("architecture", JSON.string("reft")), ("use_gating", .bool(true)), ("inv_adapter", .string("nice")),
            ("non_linearity", .string("mish")), ("original_ln_after", .bool(false)), ("scaling", .string("much")),
            ("reduction_factor", .integer(0)), ("leave_out", .string("all")), ("residual_before_ln", .string("never")),
            ("init_weights", .string("zeros")),
        ])
    func unsupported(key: String, value: JSON) throws {
        let scratch = try TemporaryDirectory()
        let directory = try changed(in: scratch) { file in
            var object = file["config"]?.object ?? [:]
            object[key] = value
            file["config"] = .object(object)
        }
        #expect {
            try AdapterHubDirectory(directory)
        } throws: { error in
            guard case CheckpointError.invalidValue(_, key: key, _, _) = error else { return false }
            return true
        }
    }

    @Test("an adapter without its tensors, and one with others, is refused")
    func tensors() throws {
        let scratch = try TemporaryDirectory()
        let directory = try changed(in: scratch) { _ in }
        let weights = try AdapterHubDirectory(directory).weights
        var tensors = try weights.entries.map { (name: $0.name, value: try weights.tensor($0)) }
        let missing = tensors.removeFirst().name
        try SafeTensors.write(tensors, to: scratch("adapter.safetensors"))
        #expect(throws: AdapterError.checkpoint(.missingTensor(scratch("adapter.safetensors"), name: missing))) {
            try Parity.encoder("bert").attach(AdapterHubDirectory(directory))
        }
        let extra = "bert.encoder.layer.7.output.adapters.task.adapter_up.bias"
        let complete = try weights.entries.map { (name: $0.name, value: try weights.tensor($0)) }
        try SafeTensors.write(
            complete + [(name: extra, value: .zeros([16]))], to: scratch("adapter.safetensors"))
        let encoder = try Parity.encoder("bert")
        #expect(throws: AdapterError.checkpoint(.unusedTensors(scratch("adapter.safetensors"), names: [extra]))) {
            try encoder.attach(AdapterHubDirectory(directory))
        }
        #expect(encoder.adapters.isEmpty && encoder.activeAdapter == nil)
    }

    @Test("a fusion of adapters that are not there is refused, and so are weights that do not fit")
    func compositions() throws {
        let encoder = try Parity.encoder("bert")
        let fusion = try AdapterHubFusionDirectory(directory("bert-fusion/fusion"))
        try encoder.attach(AdapterHubDirectory(directory("bert-fusion/first")))
        #expect(throws: AdapterError.unknownAdapter("second", known: ["first"])) { try encoder.attach(fusion) }
        let none = ParameterSource(nil, random: RandomSource(seed: 1))
        #expect(throws: AdapterError.weights([1, 2], adapters: 1)) {
            try encoder.compose(.average(["first"], weights: [1, 2]), name: "average", from: none)
        }
        try encoder.attach(.lora(LoRAConfiguration()), name: "lora", from: none)
        #expect(throws: AdapterError.notComposable(name: "lora", kind: "LoRA")) {
            try encoder.compose(.stack(["first", "lora"]), from: none)
        }
        try encoder.attach(.bottleneck(.houlsby), name: "houlsby", from: none)
        #expect(throws: AdapterError.differentPlaces(["first", "houlsby"])) {
            try encoder.compose(.fusion(["first", "houlsby"], FusionConfiguration()), from: none)
        }
        var compacter = BottleneckConfiguration.compacter
        compacter.reductionFactor = 3
        #expect(throws: AdapterError.indivisible(name: "c", size: 5, parts: 4)) {
            try encoder.attach(.bottleneck(compacter), name: "c", from: none)
        }
        var uneven = BottleneckConfiguration.pfeiffer
        uneven.reductionFactor = .init(nil, ofLayers: [0: 4])
        #expect(throws: AdapterError.noReductionFactor(name: "u", layer: 1)) {
            try encoder.attach(.bottleneck(uneven), name: "u", from: none)
        }
    }
}
