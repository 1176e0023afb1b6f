import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("FineTuning")
struct FineTuningTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func train(
        _ method: FineTuning.Method, seed: UInt64 = 1, epochs: Int = 4, learningRate: Double = 2e-3,
        precision: Precision = .f32, recomputes: Bool = false,
        _ change: (inout FineTuning.Configuration) -> Void = { _ in },
        onEvent: (SequenceClassifier, FineTuning.Event) -> Void = { _, _ in }
    ) throws -> (SequenceClassifier, FineTuning.Outcome, [FineTuning.Event]) {
        let data = try LabelledExamples(scratch.write(TinyModel.examples(96), to: "train.tsv"))
        let dev = try LabelledExamples(scratch.write(TinyModel.examples(24), to: "dev.tsv"))
        let model = try TinyModel.make(in: scratch, named: "model")
        let classifier = try SequenceClassifier(
            pretrained: ModelDirectory(model), labels: data.labels(for: .singleLabel), random: RandomSource(seed: seed))
        var configuration = FineTuning.Configuration(method: method, seed: seed)
        configuration.epochs = epochs
        configuration.learningRate = learningRate
        configuration.batchSize = 8
        configuration.precision = precision
        configuration.recomputesActivations = recomputes
        configuration.optimization.headSolver = .steps
        change(&configuration)
        var events: [FineTuning.Event] = []
        let outcome = try FineTuning(classifier, configuration, keepingBestIn: scratch.path).run(
            train: FineTuning.Examples(data, classifier.targets(data), classifier),
            dev: FineTuning.Examples(dev, classifier.targets(dev), classifier)
        ) {
            events.append($0)
            onEvent(classifier, $0)
        }
        return (classifier, outcome, events)
    }

    @Test("methods that change little learn all the same", arguments: [FineTuning.Method.gradual, .bitfit])
    func slowLearning(method: FineTuning.Method) throws {
        let losses = try train(method, epochs: 8, learningRate: 1e-2).1.evaluations.map(\.trainingLoss)
        #expect(losses[losses.count - 1] < losses[0] - 0.01, "\(losses)")
    }

    @Test("methods learn what can be learned", arguments: [FineTuning.Method.head, .full, .topK])
    func learning(method: FineTuning.Method) throws {
        let (_, outcome, events) = try train(method, epochs: method == .head ? 60 : 8, learningRate: 3e-3)
        let best = try #require(outcome.keptEvaluation.dev)
        #expect(try #require(best.classification).accuracy >= 0.95)
        #expect(outcome.evaluations.last!.trainingLoss < outcome.evaluations[0].trainingLoss)
        #expect(events.count { if case .step = $0 { true } else { false } } == outcome.steps)
    }

    @Test(
        "same seed, same weights, bit for bit; another seed, others",
        arguments: FineTuning.Method.allCases.filter { !$0.isAdapter })
    func determinism(method: FineTuning.Method) throws {
        let weights = { (classifier: SequenceClassifier) in classifier.parameters.map(\.value) }
        let first = weights(try train(method, epochs: 2).0)
        #expect(weights(try train(method, epochs: 2).0) == first)
        #expect(weights(try train(method, seed: 2, epochs: 2).0) != first)
    }

    @Test("activations that are computed again give the same weights, bit for bit")
    func recomputation() throws {
        let kept = try train(.full, epochs: 2).0.parameters.map(\.value)
        #expect(try train(.full, epochs: 2, recomputes: true).0.parameters.map(\.value) == kept)
    }

    @Test("products in lower precision learn as well", arguments: Precision.available.filter { $0 != .f32 })
    func precision(precision: Precision) throws {
        let method: FineTuning.Method = precision == .int8 ? .head : .full
        let exact = try train(method, epochs: 8, learningRate: 3e-3).1
        let outcome = try train(method, epochs: 8, learningRate: 3e-3, precision: precision).1
        for (result, reference) in zip(outcome.evaluations, exact.evaluations) {
            #expect(abs(result.trainingLoss - reference.trainingLoss) < 0.05)
        }
    }

    @Test("behind an encoder that learned in another precision the head sees features in f32")
    func fewShotFeatures() throws {
        let exact = try train(.fewShot, epochs: 2).0.parameters.map(\.value)
        for precision in Precision.available where precision != .int8 {
            #expect(try train(.fewShot, epochs: 2, precision: precision).0.parameters.map(\.value) == exact)
        }
    }

    @Test("the head's method leaves the encoder as it was")
    func frozenEncoder() throws {
        let (classifier, _, _) = try train(.head, epochs: 2)
        let original = try SafeTensors(Golden.directory("tiny-bert-gelu").appending("model.safetensors"))
        for parameter in classifier.encoder.parameters {
            #expect(try parameter.value == original.values(String(parameter.name.dropFirst("bert.".count))))
        }
    }

    @Test("the weights of the best epoch are kept, and training stops when none gets better")
    func bestEpoch() throws {
        // A rate that wrecks what the first epochs learned.
        let (classifier, outcome, events) = try train(.full, epochs: 12, learningRate: 0.03)
        let best = try #require(outcome.keptEvaluation.dev)
        let dev = try LabelledExamples(scratch("dev.tsv"))
        let examples = try FineTuning.Examples(dev, classifier.targets(dev), classifier)
        #expect(classifier.evaluate(logits: classifier.logits(examples.texts), targets: examples.targets) == best)
        let accuracy = try #require(best.classification).accuracy
        #expect(outcome.evaluations.allSatisfy { ($0.dev?.classification?.accuracy ?? 0) <= accuracy })
        let stopped = events.contains { if case .stoppedEarly = $0 { true } else { false } }
        #expect(stopped == (outcome.epochs < 12))
        #expect(outcome.epochs <= outcome.keptEvaluation.epoch + 3)
    }

    @Test("the weights of the last epoch are kept where that is asked for, and no epoch is left out")
    func lastEpoch() throws {
        let (classifier, outcome, events) = try train(.full, epochs: 12, learningRate: 0.03) { $0.keeps = .last }
        #expect(outcome.epochs == 12)
        #expect(outcome.kept == outcome.evaluations.count - 1)
        #expect(!events.contains { if case .stoppedEarly = $0 { true } else { false } })
        let dev = try LabelledExamples(scratch("dev.tsv"))
        let examples = try FineTuning.Examples(dev, classifier.targets(dev), classifier)
        let metrics = classifier.evaluate(logits: classifier.logits(examples.texts), targets: examples.targets)
        #expect(metrics == outcome.evaluations.last?.dev)
    }

    @Test("few examples that were set aside choose no epoch")
    func keptWeights() {
        typealias Kept = FineTuning.KeptWeights
        #expect(Kept(devExamples: 499, isSplit: true) == .last)
        #expect(Kept(devExamples: 500, isSplit: true) == .best)
        #expect(Kept(devExamples: 40, isSplit: false) == .best)
        #expect(Kept(devExamples: nil, isSplit: false) == .last)
    }

    @Test("a written classifier loads again and gives the same logits")
    func roundTrip() throws {
        let (classifier, _, _) = try train(.full, epochs: 1)
        let texts = ["the film was good", "dull plot!"].map {
            TokenizedText($0, classifier.tokenizer, maxLength: classifier.maxLength)
        }
        try classifier.write(to: scratch("out"), record: ["max_length": .integer(9)])
        let loaded = try SequenceClassifier(ModelDirectory(scratch("out")))
        #expect(loaded.labels == ["negative", "positive"])
        #expect(loaded.logits(texts) == classifier.logits(texts))
        try loaded.applyRecord()
        #expect(loaded.maxLength == 9)
        let configuration = try JSONFile(scratch("out/config.json"), purpose: "the test")
        #expect(configuration.object["architectures"] == .array([.string("BertForSequenceClassification")]))
        #expect(configuration.object["id2label"]?["1"] == .string("positive"))
        #expect(configuration.object["hidden_size"] == .integer(32))
        let names = try SafeTensors(scratch("out/model.safetensors")).entries.map(\.name)
        #expect(names.contains("bert.pooler.dense.weight") && names.contains("classifier.bias"))
    }

    @Test("a model without a head does not load as a classifier")
    func noHead() throws {
        let path = try TinyModel.make(in: scratch, named: "model")
        #expect(throws: ModelError.self) { try SequenceClassifier(ModelDirectory(path)) }
    }

    @Test("a diverging run is stopped and says where")
    func divergence() throws {
        #expect(throws: FineTuning.Failure.self) { try train(.full, epochs: 3, learningRate: 1e30) }
    }

    @Test("a run whose weights are no numbers goes back to its last good step, and on with half the learning rate")
    func recovery() throws {
        var isDamaged = false
        // A good state has been kept after 200 steps when a weight is lost.
        let (classifier, outcome, events) = try train(.full, epochs: 20, learningRate: 3e-3) { _ in
        } onEvent: { classifier, event in
            guard case .step(let step) = event, step.step == 215, !isDamaged else { return }
            isDamaged = true
            classifier.encoder.parameters[0].update { $0.mutate { $0[0] = .nan } }
        }
        let rollbacks = events.compactMap { if case .rolledBack(let rollback) = $0 { rollback } else { nil } }
        #expect(rollbacks.count == 1)
        let rollback = try #require(rollbacks.first)
        #expect(rollback.step == 200 && rollback.divergedAt > 215 && rollback.learningRateScale == 0.5, "\(rollback)")
        let steps = events.compactMap { if case .step(let step) = $0 { step } else { nil } }
        let twice = steps.filter { $0.step == 214 }
        #expect(twice.count == 2 && twice[1].learningRate == twice[0].learningRate / 2)
        #expect(outcome.steps == 240 && steps.last?.step == 240)
        #expect(classifier.encoder.parameters.allSatisfy { $0.value.isFinite })
        let best = try #require(outcome.keptEvaluation.dev?.classification)
        #expect(best.accuracy >= 0.95)
    }

    @Test("patience does not count the evaluations that a rollback threw away")
    func patienceBehindRollback() throws {
        var isDamaged = false
        // Steps too small to change anything: no evaluation is better than the first.
        let events = try train(.full, learningRate: 1e-12) {
            $0.evaluationSteps = 1
            $0.patience = 4
        } onEvent: { classifier, event in
            guard case .step(let step) = event, step.step == 3, !isDamaged else { return }
            isDamaged = true
            classifier.encoder.parameters[0].update { $0.mutate { $0[0] = .nan } }
        }.2
        let rollback = try #require(events.firstIndex { if case .rolledBack = $0 { true } else { false } })
        let isEvaluation = { (event: FineTuning.Event) in if case .evaluation = event { true } else { false } }
        #expect(events[..<rollback].count(where: isEvaluation) == 2)
        #expect(events[rollback...].count(where: isEvaluation) >= 4)
    }
}

extension EvaluationMetrics {
    var classification: ClassificationMetrics? { if case .classification(let metrics) = self { metrics } else { nil } }
}
