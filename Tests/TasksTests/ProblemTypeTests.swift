import Checkpoints
import Embeddings
import Glibc
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("ProblemType")
struct ProblemTypeTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    /// `TinyModel`'s sentences with other labels.
    private func corpus(_ name: String, _ label: (_ text: Substring, _ isGood: Bool) -> String) throws
        -> LabelledExamples
    {
        let lines = TinyModel.examples(48).split(separator: "\n").dropFirst().map { line in
            let fields = line.split(separator: "\t")
            return "\(fields[0])\t\(label(fields[0], fields[1] == "positive"))\n"
        }
        return try LabelledExamples(scratch.write("text\tlabel\n" + lines.joined(), to: name))
    }

    private func train(
        _ data: LabelledExamples, _ problem: ProblemType, method: FineTuning.Method = .full
    ) throws -> (SequenceClassifier, EvaluationMetrics) {
        let model = try TinyModel.make(in: scratch, named: "model")
        let classifier = try SequenceClassifier(
            pretrained: ModelDirectory(model), labels: data.headLabels(for: problem), problem: problem,
            random: RandomSource(seed: 1))
        var configuration = FineTuning.Configuration(method: method, seed: 1)
        configuration.epochs = method == .full ? 30 : 60
        configuration.learningRate = method == .head ? 1e-2 : 3e-3
        configuration.batchSize = 8
        configuration.patience = 60
        let examples = try FineTuning.Examples(data, classifier.targets(data), classifier)
        let outcome = try FineTuning(classifier, configuration, keepingBestIn: scratch.path)
            .run(train: examples, dev: examples) { _ in }
        let best = try #require(outcome.keptEvaluation.dev)
        // But for the last bits: `head` computes its features in other company, by which some kernels round.
        switch (classifier.evaluate(logits: classifier.logits(examples.texts), targets: examples.targets), best) {
        case (.regression(let found), .regression(let best)): #expect(abs(found.mse - best.mse) < 1e-5 * best.mse)
        case (.multiLabel(let found), .multiLabel(let best)): #expect(found.perLabel == best.perLabel)
        default: throw SomethingElse()
        }
        #expect(
            outcome.evaluations.enumerated().allSatisfy { $1.isBest == ($0 == outcome.kept) || $0 < outcome.kept })
        return (classifier, best)
    }

    private func reload(_ classifier: SequenceClassifier) throws -> (SequenceClassifier, JSONObject) {
        try classifier.write(to: scratch("out"), record: [:])
        let configuration = try JSONFile(scratch("out/config.json"), purpose: "the test")
        return (try SequenceClassifier(ModelDirectory(scratch("out"))), configuration.object)
    }

    @Test(
        "numbers are learned, and a written regression is one again", arguments: [FineTuning.Method.head, .full, .topK])
    func regression(method: FineTuning.Method) throws {
        let data = try corpus("numbers.tsv") { _, isGood in isGood ? "0.8" : "-0.2" }
        #expect(data.likelyProblem == .regression)
        let (classifier, metrics) = try train(data, .regression, method: method)
        guard case .regression(let numbers) = metrics else { throw SomethingElse() }
        #expect(try #require(numbers.pearson) > 0.9 && numbers.mse < 0.1, "\(numbers)")
        let (loaded, configuration) = try reload(classifier)
        #expect(loaded.problem == .regression && loaded.labels == ["LABEL_0"])
        #expect(configuration["problem_type"] == .string("regression"))
        #expect(configuration["id2label"] == .object(["0": .string("LABEL_0")]))
        let text = TokenizedText("the film was good", loaded.tokenizer, maxLength: 16)
        let logits = loaded.logits([text])
        #expect(loaded.scores(logits) == logits && logits == classifier.logits([text]))
        #expect(!loaded.givesScore)
        // As transformers' pipeline has it, and CrossEncoder.
        var unnamed = configuration
        unnamed["problem_type"] = nil
        try JSONFile(scratch("out/config.json"), object: unnamed).write(to: scratch("out/config.json"))
        let ranker = try SequenceClassifier(ModelDirectory(scratch("out")))
        #expect(ranker.givesScore && ranker.scores(logits) == logits.sigmoided())
    }

    @Test(
        "sets of labels are learned, and a written head gives sets again",
        arguments: [FineTuning.Method.head, .full, .topK])
    func multiLabel(method: FineTuning.Method) throws {
        let data = try corpus("sets.tsv") { text, isGood in
            [isGood ? "good" : nil, text.hasSuffix("!") ? "loud" : nil].compactMap { $0 }.joined(separator: ",")
        }
        let (classifier, metrics) = try train(data, .multiLabel, method: method)
        guard case .multiLabel(let sets) = metrics else { throw SomethingElse() }
        #expect(sets.micro.f1 > 0.95 && sets.labels == ["good", "loud"], "\(sets)")
        let (loaded, configuration) = try reload(classifier)
        #expect(loaded.problem == .multiLabel && configuration["problem_type"] == .string("multi_label_classification"))
        #expect(configuration["label2id"] == .object(["good": .integer(0), "loud": .integer(1)]))
        let logits = loaded.logits([TokenizedText("the film was good!", loaded.tokenizer, maxLength: 16)])
        for (score, logit) in zip(loaded.scores(logits).values, logits.values) {
            #expect(abs(Double(score) - 1 / (1 + exp(-Double(logit)))) < 1e-6)
        }
        // A threshold that nothing reaches.
        loaded.threshold = 1.1
        let targets = try loaded.targets(data)
        let prepared = FineTuning.Examples(data, targets, loaded)
        guard case .multiLabel(let none) = loaded.evaluate(logits: loaded.logits(prepared.texts), targets: targets)
        else { throw SomethingElse() }
        #expect(none.micro.f1 == 0 && none.perLabel.allSatisfy { $0.falsePositives == 0 })
    }

    @Test("several numbers a text are learned together")
    func severalNumbers() throws {
        let lines = try corpus("one.tsv") { _, isGood in isGood ? "1" : "0" }.examples.map {
            #"{"text":"\#($0.text)","label":[\#($0.label),\#($0.text.hasSuffix("!") ? 0.5 : -0.5)]}"#
        }
        let data = try LabelledExamples(scratch.write(lines.joined(separator: "\n"), to: "two.jsonl"))
        let (classifier, metrics) = try train(data, .regression)
        guard case .regression(let numbers) = metrics else { throw SomethingElse() }
        #expect(classifier.labels.count == 2 && numbers.mse < 0.1, "\(numbers)")
    }

    @Test("a configuration's problem_type must fit its labels")
    func configuration() throws {
        let model = try TinyModel.make("tiny-bert-gelu-classifier", in: scratch, named: "c")
        let published = try JSONFile(model.appending("config.json"), purpose: "the test")
        func load(_ problem: String) throws -> SequenceClassifier {
            var object = published.object
            object["problem_type"] = .string(problem)
            try JSONFile(published.path, object: object).write(to: published.path)
            return try SequenceClassifier(ModelDirectory(model))
        }
        #expect(try SequenceClassifier(ModelDirectory(model)).problem == .singleLabel)
        #expect(try load("multi_label_classification").problem == .multiLabel)
        func load(labels: [JSON]) throws -> SequenceClassifier {
            var (object, names) = (published.object, JSONObject())
            for (index, label) in labels.enumerated() { names.append("\(index)", label) }
            object["id2label"] = .object(names)
            try JSONFile(published.path, object: object).write(to: published.path)
            return try SequenceClassifier(ModelDirectory(model))
        }
        #expect(try load(labels: [.integer(0), .integer(1), .string("b")]).labels == ["0", "1", "b"])
        #expect {
            try load(labels: [.string("a"), .string("a"), .string("b")])
        } throws: { error in
            guard case ModelError.checkpoint(.invalidValue(_, "id2label", _, let expected)) = error else {
                return false
            }
            return expected == "a different name for every label"
        }
        let names = "one of single_label_classification, multi_label_classification, regression"
        #expect(
            throws: ModelError.checkpoint(
                .invalidValue(published.path, key: "problem_type", found: "\"ranking\"", expected: names))
        ) { try load("ranking") }
    }
}

/// What is measured is of another kind than what was learned.
private struct SomethingElse: Error {}
