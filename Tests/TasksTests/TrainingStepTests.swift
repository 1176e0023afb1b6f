import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

/// Ten steps each way against torch, from `tiny-bert-gelu-classifier` and without dropout.
@Suite("TrainingStep against torch")
struct TrainingStepTests {
    private let scratch: TemporaryDirectory
    private let expected: JSON
    private let texts: [TokenizedText]
    private let labels: [Int]

    init() throws {
        scratch = try TemporaryDirectory()
        expected = try Golden.json(Golden.directory("optimization"))["trajectories"] ?? .null
        let batches = try Golden.json(Golden.directory("tiny-bert-training"))["batches"]?.array ?? []
        let rows = batches.flatMap { $0.array ?? [] }
        texts = rows.map { row in
            TokenizedText(
                ids: (row["inputIDs"]?.integers ?? []).map { Int32($0) },
                typeIDs: (row["tokenTypeIDs"]?.integers ?? []).map { Int32($0) })
        }
        labels = rows.map { $0["label"]?.integer ?? 0 }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var method = FineTuning.Method.full
        var rate = 1e-3
        var schedule = LearningRateSchedule(peak: 1e-3, warmupSteps: 3, steps: 10)
        var targets = Kind.classes
        var change: @Sendable (inout Optimization) -> Void = { _ in }

        enum Kind { case classes, sets, values }
        var testDescription: String { name }
    }

    private static func algorithm(_ name: String, _ algorithm: Optimization.Algorithm, _ rate: Double) -> Case {
        var item = Case(name: name, rate: rate) { $0.algorithm = algorithm }
        item.schedule.peak = rate
        return item
    }

    static let cases: [Case] = [
        Case(name: "adamw"), algorithm("lion", .lion, 1e-4), algorithm("sgd", .sgd, 1e-2),
        algorithm("nesterov", .nesterov, 1e-2), algorithm("adafactor", .adafactor, 1e-3),
        algorithm("adafactor_relative", .adafactorRelative, 1),
        Case(name: "top_k", method: .topK) { $0.topKLayers = 1 },
        Case(name: "bitfit", method: .bitfit),
        Case(
            name: "gradual", method: .gradual,
            schedule: LearningRateSchedule(.slantedTriangular, peak: 1e-3, warmupSteps: 1, steps: 10)),
        Case(name: "layer_decay") { $0.layerDecay = 0.8 },
        Case(name: "patterns") {
            $0.headLearningRate = 2e-3
            $0.patterns = [
                Optimization.Pattern(expression: "layer", rate: 1e-3),
                Optimization.Pattern(expression: #"layer\.1\..*bias"#, rate: 5e-3),
            ]
        },
        Case(name: "smoothing") { $0.objective.labelSmoothing = 0.1 },
        Case(name: "focal") { $0.objective.focalGamma = 2 },
        Case(name: "weights") { $0.objective.classWeights = [0.5, 2, 1.25] },
        Case(name: "ordinal") { $0.objective.isOrdinal = true }, Case(name: "binary", targets: .sets),
        Case(name: "binary_focal", targets: .sets) { $0.objective.focalGamma = 2 },
        Case(name: "regression", targets: .values),
        Case(name: "huber", targets: .values) { $0.objective.huberDelta = 1 },
        Case(name: "l2_sp") { $0.startingPointPenalty = 0.1 }, Case(name: "fgm") { $0.adversarialStep = 0.5 },
        Case(name: "accumulate") { $0.accumulation = 2 }, Case(name: "average") { $0.averageDecay = 0.9 },
    ]

    private func targets(_ kind: Case.Kind) -> Targets {
        switch kind {
        case .classes: .classes(labels)
        case .sets:
            .labelSets(
                Tensor([labels.count, 3], labels.flatMap { [$0 != 0, $0 == 1, $0 != 1].map { $0 ? 1 : 0 } }))
        case .values:
            .values(Tensor([labels.count, 3], labels.flatMap { [Float($0) - 1, 0.5 * Float($0), 3 - Float($0)] }))
        }
    }

    private func classifier() throws -> SequenceClassifier {
        let model = try TinyModel.make("tiny-bert-gelu-classifier", in: scratch, named: "model")
        return try SequenceClassifier(ModelDirectory(model))
    }

    private func run(
        _ item: Case, _ classifier: SequenceClassifier, dropout: RandomSource? = nil
    ) throws -> (losses: [Double], optimizer: Optimizer) {
        var configuration = FineTuning.Configuration(method: item.method)
        configuration.learningRate = item.rate
        item.change(&configuration.optimization)
        let learning = try LearningParameters(classifier, configuration)
        let optimization = configuration.optimization
        let optimizer = Optimizer(
            learning.parameters, optimization.algorithm.rule, groups: learning.groups,
            averageDecay: optimization.averageDecay)
        let step = TrainingStep(classifier, optimizer, optimization, batchSize: 32, dropout: dropout)
        let examples = FineTuning.Examples(texts: TokenizedTexts(texts), targets: targets(item.targets))
        let size = 4 * optimization.accumulation
        var losses: [Double] = []
        for index in 0..<40 / size {
            // Of the method `gradual`, epochs of three steps.
            learning.choose(epoch: index / 3 + 1)
            let rate = optimization.algorithm == .adafactorRelative ? 1 : item.schedule.learningRate(at: index)
            losses.append(
                step.take(Array(index * size..<(index + 1) * size), of: examples, features: nil, learningRate: rate)
                    .loss)
        }
        return (losses, optimizer)
    }

    @Test("losses of ten steps agree within 1e-4", arguments: cases)
    func trajectory(item: Case) throws {
        let golden = try #require(expected[item.name])
        let classifier = try classifier()
        let (losses, optimizer) = try run(item, classifier)
        let wanted = try #require(golden["losses"]?.numbers)
        #expect(losses.count == wanted.count)
        for (step, (loss, reference)) in zip(losses, wanted).enumerated() {
            #expect(abs(loss - reference) < 1e-4, "step \(step)")
        }
        if let logits = golden["averagedLogits"]?.numbers {
            optimizer.exchangeAverages()
            classifier.freeze()
            let found = classifier.logits(TokenizedTexts(Array(texts.prefix(4))))
            for (a, b) in zip(found.values, logits) { #expect(abs(Double(a) - b) < 1e-4) }
        }
    }

    @Test("products in bf16 follow f32 to their rounding", arguments: cases)
    func half(item: Case) throws {
        guard Precision.bf16.reasonUnavailable == nil else { return }
        let exact = try run(item, classifier()).losses
        let classifier = try classifier()
        classifier.encoder.setPrecision(.bf16)
        let losses = try run(item, classifier).losses
        for (loss, reference) in zip(losses, exact) { #expect(abs(loss - reference) < 0.1 * max(1, reference)) }
    }

    @Test(
        "what is random is the same for the same seed",
        arguments: [
            Case(name: "dropout"), Case(name: "r-drop") { $0.objective.rDrop = 0.5 },
            Case(name: "r-drop of sets", targets: .sets) { $0.objective.rDrop = 0.5 },
            Case(name: "r-drop of numbers", targets: .values) { $0.objective.rDrop = 0.5 },
            Case(name: "mixup") { $0.mixupAlpha = 0.4 },
            Case(name: "mixup of sets", targets: .sets) { $0.mixupAlpha = 0.4 },
            Case(name: "mixup of numbers", targets: .values) { $0.mixupAlpha = 0.4 },
            Case(name: "mixout") { $0.mixout = 0.3 }, Case(name: "noise") { $0.embeddingNoise = 5 },
        ])
    func seeds(item: Case) throws {
        func losses(_ seed: UInt64) throws -> [Double] {
            try run(item, classifier(), dropout: RandomSource(seed: seed)).losses
        }
        let first = try losses(1)
        #expect(try losses(1) == first)
        #expect(try losses(2) != first)
        #expect(first.allSatisfy { $0.isFinite && $0 < 20 })
        let plain = try run(
            Case(name: "plain", targets: item.targets), classifier(), dropout: RandomSource(seed: 1)
        ).losses
        #expect((plain == first) == (item.name == "dropout"))
    }

    @Test("without dropout R-Drop's passes are one")
    func equalPasses() throws {
        let plain = try run(Case(name: "plain"), classifier()).losses
        let twice = try run(Case(name: "r-drop") { $0.objective.rDrop = 4 }, classifier()).losses
        for (a, b) in zip(plain, twice) { #expect(abs(a - b) < 1e-4) }
    }
}
