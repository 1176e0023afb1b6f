import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("SentenceTraining")
struct SentenceTrainingTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    // MARK: Parity

    private static let losses:
        [(name: String, loss: SentenceObjective.Loss, @Sendable (inout SentenceObjective) -> Void)] = [
            ("mnr", .mnr, { _ in }), ("mnr-negatives", .mnr, { _ in }), ("mnr-cached", .mnr, { _ in }),
            (
                "mnr-symmetric", .mnr,
                {
                    $0.isSymmetric = true
                    $0.scale = 10
                }
            ),
            (
                "mnr-matryoshka", .mnr,
                {
                    $0.dimensions = [10, 6, 3]
                    $0.dimensionWeights = [1, 0.5, 2]
                }
            ),
            ("cosent", .cosent, { _ in }), ("angle", .angle, { _ in }), ("angle-tuples", .angle, { _ in }),
            ("cosine", .cosine, { _ in }), ("contrastive", .contrastive, { _ in }),
            ("contrastive-online", .contrastiveOnline, { _ in }), ("triplet", .triplet, { _ in }),
            (
                "triplet-manhattan", .triplet,
                {
                    $0.distance = .manhattan
                    $0.margin = 0.5
                }
            ),
            (
                "triplet-cosine", .triplet,
                {
                    $0.distance = .cosine
                    $0.margin = 0.3
                }
            ),
            ("batch-all", .batchAll, { $0.margin = 1 }), ("batch-hard", .batchHard, { _ in }),
            (
                "batch-hard-cosine", .batchHard,
                {
                    $0.distance = .cosine
                    $0.margin = 0.2
                }
            ),
            ("batch-hard-soft-margin", .batchHardSoftMargin, { _ in }),
            ("batch-semi-hard", .batchSemiHard, { $0.margin = 1 }),
            ("softmax", .softmax, { _ in }), ("distill", .distill, { _ in }),
            ("margin-distill", .marginDistill, { _ in }),
        ]

    @Test("ten steps have sentence-transformers' losses and gradient norms", arguments: losses.map(\.name))
    func parity(name: String) throws { try compare("modes", name, cached: name == "mnr-cached") }

    @Test("gradients that are cached are the same", arguments: ["mnr", "cosent", "batch-hard", "mnr-matryoshka"])
    func cachedParity(name: String) throws { try compare("modes", name, cached: true) }

    @Test("ten steps of a model with a residual, too", arguments: ["mnr", "batch-hard-cosine"])
    func residual(name: String) throws { try compare("without-prompt", name, cached: false) }

    private func compare(_ model: String, _ name: String, cached: Bool) throws {
        let file = try Golden.json(Golden.directory("sentences"), "training.json")
        let golden = try #require(file["models"]?[model]?[name])
        let (_, loss, set) = try #require(Self.losses.first { $0.name == name })
        var objective = SentenceObjective(loss)
        set(&objective)
        var configuration = SentenceTraining.Configuration(objective)
        configuration.cachesGradients = cached
        let encoder = try TrainableSentenceEncoder(
            ModelDirectory(Golden.directory("modules/\(model)")), dropout: 0)
        let batches = golden["batches"]?.array ?? []
        let examples = try examples(batches, name, encoder)
        let work = SentenceTrainingWork(encoder, configuration, train: examples, dev: nil)
        if name == "softmax" {
            for (parameter, key) in zip(work.optimizer.parameters.suffix(2), ["weight", "bias"]) {
                parameter.update { $0 = Tensor($0.shape, (golden[key]?.numbers ?? []).map { Float($0) }) }
            }
        }
        let size = examples.count / batches.count
        let rate = try #require(file["learningRate"]?.number)
        let (losses, norms) = (golden["losses"]?.numbers ?? [], golden["gradientNorms"]?.numbers ?? [])
        #expect(losses.count == 10)
        for step in losses.indices {
            let result = work.take(Array(step * size..<(step + 1) * size), learningRate: rate)
            #expect(abs(result.loss - losses[step]) < 1e-4 * max(1, losses[step]), "step \(step)")
            #expect(abs(result.gradientNorm - norms[step]) < 1e-3 * max(1, norms[step]), "step \(step)")
        }
        let texts = (golden["texts"]?.array ?? []).compactMap(\.string)
        let vectors = encoder.embed(texts.map(encoder.ids))
        let expected = Tensor(vectors.shape, (golden["vectors"]?.numbers ?? []).map { Float($0) })
        #expect(vectors.largestDifference(from: expected) < 1e-3)
    }

    private func examples(
        _ batches: [JSON], _ name: String, _ encoder: TrainableSentenceEncoder
    ) throws -> SentenceExamples {
        var lines: [String] = []
        var labels: [String] = []
        var vectors: [Float] = []
        for batch in batches {
            let columns = (batch["columns"]?.array ?? []).map { ($0.array ?? []).compactMap(\.string) }
            for row in columns[0].indices {
                let label = batch["labels"]?.array?[row]
                if name == "distill" { vectors += (label?.numbers ?? []).map { Float($0) } }
                labels.append(label.flatMap { $0.number.map { "\($0)" } } ?? "")
                lines.append((columns.map { $0[row] } + [labels.last ?? ""]).joined(separator: "\t"))
            }
        }
        let count = batches[0]["columns"]?.array?.count ?? 0
        let header = (0..<count).map { "t\($0)" } + ["label"]
        let file = try scratch.write(
            ([header.joined(separator: "\t")] + lines).joined(separator: "\n"), to: "train.tsv")
        var choice = SentenceColumns.Choice()
        choice.hasHeader = true
        choice.format = .tabSeparated
        choice.texts = Array(header.dropLast())
        choice.label = "label"
        let labelling: SentenceExamples.Labelling =
            switch name {
            case _ where name.hasPrefix("batch"), "softmax": .classes
            case _ where labels[0].isEmpty: .none
            default: .scores
            }
        var examples = try SentenceExamples(
            SentenceCorpus(file, choice), columns: count, labelling, keepingTokensIn: scratch.path,
            tokens: encoder.tokens)
        if name == "distill" {
            examples.targets = .vectors([Tensor([examples.count, encoder.size], vectors)])
        }
        return examples
    }

    // MARK: Runs

    private static let pairs =
        "anchor\tpositive\n"
        + (0..<40).map { index in
            let word = ["good", "bad", "fine", "dull", "warm", "cold"][index % 6]
            let (a, b) = (
                ["the film", "the plot", "film", "plot"][index % 4], ["was", "was very", "was not"][index % 3]
            )
            return "\(a) \(b) \(word)\t\(b) \(word) \(["!", ".", "?"][index / 12 % 3])\n"
        }.joined()

    private func run(
        _ loss: SentenceObjective.Loss = .mnr, _ text: String = pairs, in name: String = "out",
        checkpoints: FineTuning.Checkpoints.Interval? = nil, resumes: Bool = false, stoppingAfter steps: Int? = nil,
        cached: Bool = false
    ) throws -> (weights: [Tensor], outcome: FineTuning.Outcome) {
        let file = try scratch.write(text, to: "train.tsv")
        let path = try TinyModel.make(in: scratch, named: "m")
        let encoder = try TrainableSentenceEncoder(ModelDirectory(path))
        var configuration = SentenceTraining.Configuration(SentenceObjective(loss))
        configuration.epochs = 3
        configuration.batchSize = 8
        configuration.learningRate = 1e-3
        configuration.cachesGradients = cached
        configuration.evaluationSteps = 4
        let corpus = try SentenceCorpus(file)
        let examples = try SentenceExamples(
            corpus, for: configuration.objective, SentenceExamples.Selection(), teacher: nil, encoder,
            keepingTokensIn: scratch.path)
        let dev = try SentenceEvaluation(
            SentenceCorpus(scratch.write(Self.pairs, to: "dev.tsv")), positive: nil, keepingTokensIn: scratch.path,
            tokens: encoder.tokens)
        let training = try SentenceTraining(encoder, configuration, keepingBestIn: scratch.path)
        var taken = 0
        func isInterrupted() -> Bool { taken == steps }
        let saving = checkpoints.map {
            FineTuning.Checkpoints(beside: scratch(name), every: $0, resumes: resumes)
        }
        let outcome = try training.run(
            train: examples, dev: dev, checkpoints: saving, isInterrupted: isInterrupted
        ) { if case .step = $0 { taken += 1 } }
        try training.deliver {}
        return ((encoder.parameters + (training.decoder?.parameters ?? [])).map(\.value), outcome)
    }

    @Test("training lowers the loss, and the best weights are kept")
    func learns() throws {
        let (_, outcome) = try run()
        let losses = outcome.evaluations.map(\.trainingLoss)
        #expect(losses.count > 2 && losses[losses.count - 1] < losses[0])
        guard case .sentences(.retrieval(let metrics)) = outcome.keptEvaluation.dev else {
            Issue.record("pairs without scores are retrieval")
            return
        }
        let reached = outcome.evaluations.compactMap { evaluation -> Double? in
            if case .sentences(let metrics) = evaluation.dev { metrics.main } else { nil }
        }
        #expect(reached.allSatisfy { $0 <= metrics.ndcg10 })
    }

    private static let texts =
        "text\n" + pairs.split(separator: "\n").dropFirst().map { $0.split(separator: "\t")[0] + "\n" }.joined()

    @Test("a decoder learns to say texts from the vectors of what is left of them: TSDAE learns from texts alone")
    func tsdae() throws {
        let (weights, outcome) = try run(.tsdae, Self.texts)
        let losses = outcome.evaluations.map(\.trainingLoss)
        // A decoder that knew nothing would be at log 120.
        #expect(losses.count > 2 && losses[0] < 8 && losses[losses.count - 1] < 4.5, "\(losses)")
        #expect(weights.allSatisfy { $0.isFinite })
    }

    @Test("dropout makes another text of the same: SimCSE learns from texts alone")
    func simcse() throws {
        let (weights, outcome) = try run(.simcse, Self.texts)
        #expect(outcome.evaluations.allSatisfy { $0.trainingLoss > 0 && $0.trainingLoss < 3 })
        #expect(weights.allSatisfy { $0.isFinite })
    }

    @Test("a run that is interrupted and resumed ends with the same bytes", arguments: [false, true])
    func resuming(cached: Bool) throws {
        let whole = try run(cached: cached)
        for stop in [2, 5] {
            let name = "out\(stop)"
            #expect(throws: FineTuning.Failure.self) {
                try run(in: name, checkpoints: .steps(2), stoppingAfter: stop, cached: cached)
            }
            let resumed = try run(in: name, checkpoints: .steps(2), resumes: true, cached: cached)
            #expect(resumed.weights == whole.weights)
            #expect(resumed.outcome.evaluations == whole.outcome.evaluations)
        }
    }

    @Test("so does one that has a decoder, whose parameters are in the checkpoint, and with cached gradients")
    func resumingDenoising() throws {
        let whole = try run(.tsdae, Self.texts)
        #expect(try run(.tsdae, Self.texts, cached: true).weights == whole.weights)
        #expect(throws: FineTuning.Failure.self) {
            try run(.tsdae, Self.texts, checkpoints: .steps(2), stoppingAfter: 5)
        }
        let resumed = try run(.tsdae, Self.texts, checkpoints: .steps(2), resumes: true)
        #expect(resumed.weights == whole.weights)
        #expect(resumed.outcome.evaluations == whole.outcome.evaluations)
    }

    @Test("another loss is another run")
    func otherRun() throws {
        #expect(throws: FineTuning.Failure.self) { try run(checkpoints: .steps(2), stoppingAfter: 4) }
        let scored =
            "text_a\ttext_b\tscore\n"
            + Self.pairs.split(separator: "\n").dropFirst().enumerated().map {
                "\($1)\t\(Double($0 % 5) / 4)\n"
            }.joined()
        let error = #expect(throws: FineTuning.Failure.self) {
            try run(.cosent, scored, checkpoints: .steps(2), resumes: true)
        }
        guard case .checkpoint(.otherRun(_, let differences)) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(differences.contains { $0.hasPrefix("loss (") })
    }
}
