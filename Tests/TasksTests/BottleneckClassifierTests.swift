import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("Classifiers with bottleneck adapters")
struct BottleneckClassifierTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    static let methods = FineTuning.Method.allCases.filter { $0.bottlenecks != nil }

    private func classifier(golden: String = "tiny-bert-gelu") throws -> SequenceClassifier {
        let path = scratch("model")
        if !ModelDirectory(path).exists("config.json") { _ = try TinyModel.make(golden, in: scratch, named: "model") }
        return try SequenceClassifier(
            pretrained: ModelDirectory(path), labels: ["negative", "positive"], random: RandomSource(seed: 1))
    }

    private func train(
        _ method: FineTuning.Method, _ classifier: SequenceClassifier, epochs: Int, drops: Bool = false
    ) throws -> FineTuning.Outcome {
        let data = try LabelledExamples(scratch.write(TinyModel.examples(96), to: "train.tsv"))
        var configuration = FineTuning.Configuration(method: method, seed: 1)
        configuration.epochs = epochs
        configuration.learningRate = 1e-2
        configuration.batchSize = 8
        configuration.optimization.dropsAdapters = drops
        let examples = try FineTuning.Examples(data, classifier.targets(data), classifier)
        return try FineTuning(classifier, configuration, keepingBestIn: scratch.path).run(
            train: examples, dev: examples
        ) { _ in }
    }

    private func adapted(_ method: FineTuning.Method, name: String = "task") throws -> SequenceClassifier {
        let classifier = try classifier()
        var kind = try #require(method.bottlenecks)
        kind.reductionFactor = 4
        try classifier.encoder.attach(
            .bottleneck(kind), name: name, from: ParameterSource(nil, random: RandomSource(seed: 2)))
        return classifier
    }

    private func texts(_ classifier: SequenceClassifier) -> [TokenizedText] {
        ["the film was good", "dull plot!", "very warm"].map {
            TokenizedText($0, classifier.tokenizer, maxLength: classifier.maxLength)
        }
    }

    @Test(
        "every kind learns what can be learned, leaves the base as it was, and gives the same logits once written",
        arguments: methods)
    func learning(method: FineTuning.Method) throws {
        let classifier = try adapted(method)
        let base = classifier.encoder.parameters.map(\.value)
        let outcome = try train(method, classifier, epochs: 8)
        #expect(outcome.evaluations.last!.trainingLoss < outcome.evaluations[0].trainingLoss)
        #expect(classifier.encoder.parameters.map(\.value) == base)
        try classifier.write(to: scratch("out"), record: ["max_length": .integer(9)])
        let loaded = try SequenceClassifier(ModelDirectory(scratch("out")))
        #expect(loaded.labels == ["negative", "positive"] && loaded.problem == .singleLabel)
        #expect(loaded.logits(texts(classifier)) == classifier.logits(texts(classifier)))
        try loaded.applyRecord()
        #expect(loaded.maxLength == 9)
        let encoder = try SentenceEncoder(ModelDirectory(scratch("out")))
        let plain = try SentenceEncoder(ModelDirectory(scratch("model")))
        let ids = [encoder.ids("the film was good")]
        #expect(encoder.embed(ids) != plain.embed(ids))
    }

    @Test("an adapter of another base is refused, alone and beside others")
    func otherBase() throws {
        for name in ["first", "second"] {
            try adapted(.pfeiffer, name: name).write(to: scratch(name), record: [:])
        }
        let (first, second) = (ModelDirectory(scratch("first")), ModelDirectory(scratch("second")))
        _ = try SequenceClassifier(first)
        let base = ModelDirectory(scratch("model"))
        _ = try SequenceClassifier(AdapterHubSetup([first, second], mode: .stack), on: base)
        try TinyModel.changeWeights(of: base.path)
        func refusal(_ open: () throws -> SequenceClassifier) -> FilePath? {
            let error = #expect(throws: ModelError.self) { try open() }
            return if case .otherBase(let adapter, base.path, _, _) = error { adapter } else { nil }
        }
        #expect(refusal { try SequenceClassifier(first) } == first.path)
        #expect(
            refusal { try SequenceClassifier(AdapterHubSetup([second, first], mode: .average), on: base) } == first.path
        )
    }

    @Test("what the outputs mean comes back with the adapter", arguments: ProblemType.allCases)
    func problems(problem: ProblemType) throws {
        let base = try TinyModel.make("tiny-bert-gelu", in: scratch, named: "model")
        let classifier = try SequenceClassifier(
            pretrained: ModelDirectory(base), labels: ["a", "b"], problem: problem, random: RandomSource(seed: 1))
        try classifier.encoder.attach(
            .bottleneck(.pfeiffer), name: "task", from: ParameterSource(nil, random: RandomSource(seed: 2)))
        try classifier.write(to: scratch("out"), record: [:])
        #expect(try SequenceClassifier(ModelDirectory(scratch("out"))).problem == problem)
    }

    @Test("a run goes on with the same adapter alone")
    func otherAdapter() throws {
        let data = try LabelledExamples(scratch.write(TinyModel.examples(96), to: "train.tsv"))
        func run(leavingOut layers: [Int], resumes: Bool) throws {
            let classifier = try classifier()
            var kind = BottleneckConfiguration.pfeiffer
            kind.leaveOut = layers
            try classifier.encoder.attach(
                .bottleneck(kind), name: "task", from: ParameterSource(nil, random: RandomSource(seed: 2)))
            var steps = 0
            func isInterrupted() -> Bool { steps > 0 }
            _ = try FineTuning(
                classifier, FineTuning.Configuration(method: .pfeiffer), keepingBestIn: scratch.path
            ).run(
                train: FineTuning.Examples(data, classifier.targets(data), classifier), dev: nil,
                checkpoints: FineTuning.Checkpoints(beside: scratch("out"), resumes: resumes),
                isInterrupted: isInterrupted
            ) { event in if case .step = event { steps += 1 } }
        }
        let place = scratch("out.checkpoint")
        #expect(throws: FineTuning.Failure.interrupted(step: 1, checkpoint: place)) {
            try run(leavingOut: [], resumes: false)
        }
        #expect(throws: FineTuning.Failure.checkpoint(.otherRun(place, differences: ["the adapters"]))) {
            try run(leavingOut: [0], resumes: true)
        }
    }

    @Test("with AdapterDrop all layers' adapters learn, and afterwards none is left out")
    func adapterDrop() throws {
        let classifier = try adapted(.pfeiffer)
        let before = classifier.encoder.adapters[0].parameters.map(\.value)
        _ = try train(.pfeiffer, classifier, epochs: 8, drops: true)
        let after = classifier.encoder.adapters[0].parameters.map(\.value)
        #expect(zip(before, after).allSatisfy { $0 != $1 })
        try classifier.write(to: scratch("out"), record: [:])
        let loaded = try SequenceClassifier(ModelDirectory(scratch("out")))
        #expect(loaded.logits(texts(classifier)) == classifier.logits(texts(classifier)))
    }

    @Test("a fusion of two adapters learns, is written with both, and gives the same logits")
    func fusion() throws {
        for name in ["first", "second"] {
            let classifier = try adapted(.pfeiffer, name: name)
            _ = try train(.pfeiffer, classifier, epochs: 2)
            try classifier.write(to: scratch(name), record: [:])
        }
        let classifier = try classifier()
        for name in ["first", "second"] {
            try classifier.encoder.attach(AdapterHubDirectory(ModelDirectory(scratch(name))))
        }
        let adapters = classifier.encoder.adapters.flatMap(\.parameters)
        let before = adapters.map(\.value)
        try classifier.encoder.compose(
            .fusion(["first", "second"], FusionConfiguration()),
            from: ParameterSource(nil, random: RandomSource(seed: 3)))
        let outcome = try train(.fusion, classifier, epochs: 8)
        #expect(outcome.evaluations.last!.trainingLoss < outcome.evaluations[0].trainingLoss)
        #expect(adapters.map(\.value) == before, "the fused adapters stay as they are")
        try classifier.write(to: scratch("fused"), record: [:])
        let loaded = try SequenceClassifier(ModelDirectory(scratch("fused")))
        #expect(loaded.logits(texts(classifier)) == classifier.logits(texts(classifier)))
        #expect(loaded.encoder.activeAdapter?.name == "first,second")
    }

    @Test("an adapter whose base is not there is refused, with the base's name")
    func missingBase() throws {
        let classifier = try adapted(.pfeiffer)
        try classifier.write(to: scratch("out"), record: [:])
        let path = scratch("out/adapter_config.json")
        var file = try JSONFile(path, purpose: "the test")
        file.object["model_name"] = .string("nobody/nothing")
        try file.write(to: path)
        #expect {
            try SequenceClassifier(ModelDirectory(scratch("out")))
        } throws: { error in
            guard case ModelError.baseOfAdapter(_, name: "nobody/nothing", _) = error else { return false }
            return true
        }
        file.object["model_name"] = .string("")
        try file.write(to: path)
        #expect(throws: ModelError.noBaseModel(scratch("out"))) {
            try SequenceClassifier(ModelDirectory(scratch("out")))
        }
    }
}
