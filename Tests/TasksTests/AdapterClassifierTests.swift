import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("Classifiers with adapters")
struct AdapterClassifierTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    static let configurations: [(method: FineTuning.Method, adapter: AdapterConfiguration)] = [
        (.lora, .lora(LoRAConfiguration())), (.ia3, .ia3(IA3Configuration())),
        (.prompt, .prompt(small(PromptConfiguration()))), (.prefix, .prefix(small(PrefixConfiguration()))),
    ]

    static func small(_ settings: PromptConfiguration) -> PromptConfiguration {
        var settings = settings
        settings.virtualTokens = 3
        return settings
    }

    static func small(_ settings: PrefixConfiguration) -> PrefixConfiguration {
        var settings = settings
        settings.virtualTokens = 3
        settings.projectionSize = 8
        return settings
    }

    private func train(
        _ method: FineTuning.Method, _ adapter: AdapterConfiguration, base: String = "model", epochs: Int = 1
    ) throws -> (SequenceClassifier, FineTuning.Outcome) {
        let data = try LabelledExamples(scratch.write(TinyModel.examples(96), to: "train.tsv"))
        let path = scratch(base)
        if !ModelDirectory(path).exists("config.json") {
            _ = try TinyModel.make("tiny-bert-gelu", in: scratch, named: base)
        }
        let classifier = try SequenceClassifier(
            pretrained: ModelDirectory(path), labels: data.labels(for: .singleLabel), random: RandomSource(seed: 1))
        try classifier.attach(adapter, random: RandomSource(seed: 2))
        var configuration = FineTuning.Configuration(method: method, seed: 1)
        configuration.epochs = epochs
        configuration.learningRate = 2e-2
        configuration.batchSize = 8
        let examples = try FineTuning.Examples(data, classifier.targets(data), classifier)
        let outcome = try FineTuning(classifier, configuration, keepingBestIn: scratch.path).run(
            train: examples, dev: examples
        ) { _ in }
        return (classifier, outcome)
    }

    private func texts(_ classifier: SequenceClassifier) -> [TokenizedText] {
        ["the film was good", "dull plot!", "very warm"].map {
            TokenizedText($0, classifier.tokenizer, maxLength: classifier.maxLength)
        }
    }

    @Test("training changes what the model says, and leaves the base as it was", arguments: configurations.indices)
    func learning(index: Int) throws {
        let (method, adapter) = Self.configurations[index]
        let classifier = try train(method, adapter, epochs: 2).0
        let shorter = try train(method, adapter, epochs: 1).0
        #expect(classifier.logits(texts(classifier)) != shorter.logits(texts(classifier)))
        for parameter in try #require(classifier.adapter).adapter.parameters {
            #expect(parameter.value.isFinite)
        }
        let original = try SafeTensors(Golden.directory("tiny-bert-gelu").appending("model.safetensors"))
        for parameter in classifier.encoder.parameters {
            #expect(try parameter.value == original.values(String(parameter.name.dropFirst("bert.".count))))
        }
    }

    @Test("written and opened again, an adapter gives the same logits", arguments: configurations.indices)
    func roundTrip(index: Int) throws {
        let (method, adapter) = Self.configurations[index]
        let (classifier, _) = try train(method, adapter)
        try classifier.write(to: scratch("out"), record: ["max_length": .integer(9)])
        let loaded = try SequenceClassifier(ModelDirectory(scratch("out")))
        #expect(loaded.labels == ["negative", "positive"] && loaded.problem == .singleLabel)
        #expect(loaded.logits(texts(classifier)) == classifier.logits(texts(classifier)))
        try loaded.applyRecord()
        #expect(loaded.maxLength == 9)
        let directory = ModelDirectory(scratch("out"))
        #expect(directory.exists("adapter_config.json") && !directory.exists("config.json"))
        // The encoder alone, for vectors.
        let encoder = try SentenceEncoder(directory)
        let plain = try SentenceEncoder(ModelDirectory(scratch("model")))
        let ids = [encoder.ids("the film was good")]
        #expect(encoder.embed(ids).isSameRows(as: plain.embed(ids)) == false)
    }

    @Test("LoRA and IA3 merge into a model that gives the same logits", arguments: [0, 1])
    func merging(index: Int) throws {
        let (method, adapter) = Self.configurations[index]
        let (classifier, _) = try train(method, adapter)
        try classifier.write(to: scratch("out"), record: ["max_length": .integer(9)])
        let result = try AdapterMerge([ModelDirectory(scratch("out"))]).write(to: scratch("merged"))
        #expect(result.hasHead && result.sequences == 32 && result.differences.count == 1)
        #expect(result.differences[0] < 1e-4)
        let merged = try SequenceClassifier(ModelDirectory(scratch("merged")))
        #expect(merged.labels == classifier.labels)
        #expect(merged.logits(texts(classifier)).relativeDifference(from: classifier.logits(texts(classifier))) < 2e-5)
        let record = try JSONFile(scratch("merged/graft.json"), purpose: "the test")
        #expect(record.object["base_sha256"] == nil && record.object["max_length"] == .integer(9))
    }

    @Test("two equal adapters with weights whose sum is 1 merge into what one does")
    func mergingSeveral() throws {
        let (classifier, _) = try train(.lora, .lora(LoRAConfiguration()))
        try classifier.write(to: scratch("one"), record: [:])
        try classifier.write(to: scratch("two"), record: [:])
        let directories = [ModelDirectory(scratch("one")), ModelDirectory(scratch("two"))]
        let result = try AdapterMerge(directories, weights: [0.25, 0.75]).write(to: scratch("merged"))
        #expect(result.differences.count == 2 && result.differences.allSatisfy { $0 < 1e-4 })
    }

    /// An adapter without a head, of the trained one.
    private func writeWithoutHead(_ classifier: SequenceClassifier, to name: String) throws {
        try classifier.write(to: scratch(name), record: [:])
        try changeAdapter(name) { $0["modules_to_save"] = .null }
        let path = scratch(name + "/adapter_model.safetensors")
        let archive = try SafeTensors(path)
        let entries = archive.entries.filter { $0.name.contains("lora_") }
        try SafeTensors.write(entries.map { ($0.name, try archive.tensor($0)) }, to: path)
    }

    @Test("an encoder is merged with the files of its tokenizer and modules, and without weights of other formats")
    func mergingEncoder() throws {
        let (classifier, _) = try train(.lora, .lora(LoRAConfiguration()))
        try writeWithoutHead(classifier, to: "out")
        for name in ["onnx/model.onnx", "tf_model.h5", "rust_model.ot", "1_Pooling/config.json"] {
            try scratch.write("{}", to: "model/" + name)
        }
        try scratch.write(#"[{"path":""},{"path":"1_Pooling"}]"#, to: "model/modules.json")
        var configuration = try JSONFile(scratch("model/config.json"), purpose: "the test")
        configuration.object["dtype"] = .string("float16")
        configuration.object["torch_dtype"] = .string("float16")
        try configuration.write(to: scratch("model/config.json"))

        let result = try AdapterMerge([ModelDirectory(scratch("out"))]).write(to: scratch("merged"))
        #expect(!result.hasHead && result.differences[0] < 1e-4)
        let merged = ModelDirectory(scratch("merged"))
        let files = merged.files.map { String($0.string.dropFirst(merged.path.string.count + 1)) }
        #expect(
            files.sorted() == [
                "1_Pooling/config.json", "config.json", "model.safetensors", "modules.json", "vocab.txt",
            ])
        let written = try merged.openConfiguration()
        #expect(try written.string("dtype") == "float32" && written.string("torch_dtype") == "float32")
    }

    @Test("a merge that is stopped leaves nothing, whenever that is")
    func stoppedMerge() throws {
        let (classifier, _) = try train(.lora, .lora(LoRAConfiguration()))
        try classifier.write(to: scratch("out"), record: [:])
        var questions = 0
        let merge = { () throws -> AdapterMerge in try AdapterMerge([ModelDirectory(scratch("out"))]) }
        _ = try merge().write(to: scratch("whole")) {
            questions += 1
            return false
        }
        #expect(questions >= 3)
        let before = scratch.names
        for last in 1...questions {
            var asked = 0
            #expect(throws: ModelError.checkpoint(.cancelled(scratch("stopped")))) {
                try merge().write(to: scratch("stopped")) {
                    asked += 1
                    return asked == last
                }
            }
            #expect(scratch.names == before)
        }
    }

    @Test("a bottleneck adapter is refused by its kind where it is merged")
    func bottleneck() throws {
        let path = Golden.directory("adapterhub/bert-pfeiffer")
        let error = #expect(throws: ModelError.self) { try AdapterMerge([ModelDirectory(path)]) }
        guard case .adapter(path, _, .notFoldable(name: _, kind: "a bottleneck adapter")) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("prompts and prefixes are refused by name where they are merged", arguments: [2, 3])
    func notFoldable(index: Int) throws {
        let (method, adapter) = Self.configurations[index]
        let (classifier, _) = try train(method, adapter)
        try classifier.write(to: scratch("out"), record: [:])
        let base = scratch("model")
        #expect(
            throws: ModelError.adapter(
                scratch("out"), base: base, .notFoldable(name: "out", kind: adapter.kind))
        ) { try AdapterMerge([ModelDirectory(scratch("out"))]) }
    }

    @Test("an adapter of another base is refused: by its hash, else by its shapes")
    func otherBase() throws {
        let (classifier, _) = try train(.lora, .lora(LoRAConfiguration()))
        try classifier.write(to: scratch("out"), record: [:])
        try TinyModel.changeWeights(of: scratch("model"))
        let error = #expect(throws: ModelError.self) { try SequenceClassifier(ModelDirectory(scratch("out"))) }
        guard case .otherBase(_, let base, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(base == scratch("model"))
        // Other shapes, where nobody noted a hash.
        let adapter = try SafeTensors(scratch("out/adapter_model.safetensors"))
        let narrow = try adapter.entries.map { entry in
            let tensor = try adapter.tensor(entry)
            let isDown = entry.name.hasSuffix("lora_A.weight")
            return (name: entry.name, value: isDown ? tensor.columns(0..<tensor.columns - 8) : tensor)
        }
        try SafeTensors.write(narrow, to: scratch("out/adapter_model.safetensors"))
        var record = try JSONFile(scratch("out/graft.json"), purpose: "the test")
        record.object["base_sha256"] = nil
        try record.write(to: scratch("out/graft.json"))
        let second = #expect(throws: ModelError.self) { try SequenceClassifier(ModelDirectory(scratch("out"))) }
        guard case .adapter(_, let other, .checkpoint(.shapeMismatch)) = second else {
            Issue.record("\(String(describing: second))")
            return
        }
        #expect(other == scratch("model"))
    }

    private func changeAdapter(_ name: String, _ change: (inout JSONObject) -> Void) throws {
        let path = scratch(name + "/adapter_config.json")
        var file = try JSONFile(path, purpose: "the test")
        change(&file.object)
        try file.write(to: path)
    }

    @Test("an adapter without its base, without tensors, without a head, or of an unknown kind is refused")
    func badDirectories() throws {
        let (classifier, _) = try train(.lora, .lora(LoRAConfiguration()))
        try classifier.write(to: scratch("out"), record: [:])
        let directory = ModelDirectory(scratch("out"))
        func open() throws { _ = try SequenceClassifier(directory) }
        // Tensors that are missing.
        let weights = try SafeTensors(scratch("out/adapter_model.safetensors"))
        let all = try weights.entries.map { (name: $0.name, value: try weights.tensor($0)) }
        func write(_ keep: (String) -> Bool) throws {
            try SafeTensors.write(all.filter { keep($0.name) }, to: scratch("out/adapter_model.safetensors"))
        }
        try write { !$0.hasSuffix("layer.1.attention.self.query.lora_B.weight") }
        let missing = #expect(throws: ModelError.self) { try open() }
        guard case .adapter(_, _, .checkpoint(.missingTensor(_, let name))) = missing else {
            Issue.record("\(String(describing: missing))")
            return
        }
        #expect(name == "bert.encoder.layer.1.attention.self.query.lora_B.weight")
        // No head: vectors work, labels do not.
        try write { !$0.contains("classifier") }
        #expect(throws: ModelError.noHeadInAdapter(scratch("out"), base: scratch("model"))) { try open() }
        _ = try SentenceEncoder(directory)
        try write { _ in true }
        // A base that is not there.
        try changeAdapter("out") { $0["base_model_name_or_path"] = .string(scratch("gone").string) }
        let gone = #expect(throws: ModelError.self) { try open() }
        guard case .baseOfAdapter(_, let base, _) = gone else {
            Issue.record("\(String(describing: gone))")
            return
        }
        #expect(base == scratch("gone").string)
        try changeAdapter("out") { $0["peft_type"] = .string("VERA") }
        let kind = #expect(throws: ModelError.self) { try open() }
        guard case .checkpoint(.invalidValue(_, "peft_type", "\"VERA\"", _)) = kind else {
            Issue.record("\(String(describing: kind))")
            return
        }
    }

    @Test("what the base lacks of the head is kept in the adapter")
    func pooler() throws {
        // An encoder that was saved without a pooler.
        _ = try TinyModel.make("tiny-bert-gelu", in: scratch, named: "bare")
        let weights = try SafeTensors(scratch("bare/model.safetensors"))
        let kept = try weights.entries.filter { !$0.name.contains("pooler") }
            .map { (name: $0.name, value: try weights.tensor($0)) }
        try SafeTensors.write(kept, to: scratch("bare/model.safetensors"))
        let (classifier, _) = try train(.lora, .lora(LoRAConfiguration()), base: "bare")
        #expect(classifier.initialized == ["bert.pooler.dense.weight", "bert.pooler.dense.bias"])
        try classifier.write(to: scratch("out"), record: [:])
        let loaded = try SequenceClassifier(ModelDirectory(scratch("out")))
        #expect(loaded.logits(texts(classifier)) == classifier.logits(texts(classifier)))
        let file = try JSONFile(scratch("out/adapter_config.json"), purpose: "the test")
        #expect(
            file.object["modules_to_save"]
                == .array([.string("classifier"), .string("score"), .string("pooler.dense")]))
        try changeAdapter("out") { $0["modules_to_save"] = .array([.string("classifier")]) }
        #expect(throws: ModelError.self) { try SequenceClassifier(ModelDirectory(scratch("out"))) }
    }
}
