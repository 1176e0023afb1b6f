import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenizers
import Transformer

@Suite("TokenTagger in training")
struct TokenTaggerTrainingTests {
    private let scratch: TemporaryDirectory

    init() throws { scratch = try TemporaryDirectory() }

    private func tagger(_ labels: [String] = ["B-X", "I-X", "O"]) throws -> TokenTagger {
        let model = try TinyModel.make(in: scratch, named: "model")
        return try TokenTagger(pretrained: ModelDirectory(model), labels: labels, random: RandomSource(seed: 3))
    }

    /// Adjectives are entities, with the word before them where that is `very`.
    private func sentences() throws -> TaggedSentences {
        let lines = (0..<24).map { index in
            let adjective = ["good", "bad", "fine", "dull"][index % 4]
            let very = index % 3 == 0
            return "the O\nfilm O\nwas O\n" + (very ? "very B-X\n\(adjective) I-X\n" : "\(adjective) B-X\n") + "aab O\n"
        }
        return try TaggedSentences(scratch.write(lines.joined(separator: "\n"), to: "train.conll"))
    }

    @Test("losses of ten steps are those of BertForTokenClassification, within 1e-4")
    func trajectory() throws {
        let golden = try Golden.json(Golden.directory("tagging"))
        let tagger = try tagger(["A", "B", "C", "D", "E"])
        let head = try SafeTensors(Golden.directory("tagging").appending("head.safetensors"))
        let (weight, bias) = (try head.values("classifier.weight"), try head.values("classifier.bias"))
        tagger.head.output.weight.update { $0 = weight }
        tagger.head.output.bias?.update { $0 = bias }
        let rows = (golden["batches"]?.array ?? []).flatMap { $0.array ?? [] }
        let texts = rows.map { TokenizedText(ids: ($0["inputIDs"]?.integers ?? []).map { Int32($0) }) }
        let tags = rows.map { ($0["label"]?.integers ?? []).map { max($0, -1) } }
        let examples = FineTuning.Examples(texts: TokenizedTexts(texts), targets: .tags(tags))
        let learning = try LearningParameters(tagger, FineTuning.Configuration(method: .full))
        let optimizer = Optimizer(learning.parameters, Optimization().algorithm.rule, groups: learning.groups)
        let step = TrainingStep(tagger, optimizer, Optimization(), batchSize: 32, dropout: nil)
        let schedule = LearningRateSchedule(peak: 1e-3, warmupSteps: 3, steps: 10)
        let losses = try #require(golden["losses"]?.numbers)
        #expect(losses.count == 10)
        for (index, wanted) in losses.enumerated() {
            let loss = step.take(
                Array(4 * index..<4 * index + 4), of: examples, features: nil,
                learningRate: schedule.learningRate(at: index)
            ).loss
            #expect(abs(loss - wanted) < 1e-4, "step \(index)")
        }
    }

    @Test("a word's first token has its tag, the others none")
    func firstTokens() throws {
        let tagger = try tagger()
        let data = try TaggedSentences(scratch.write("aab B-X\nfilm O\n.b I-X\n", to: "data.conll"))
        let (examples, cut) = try tagger.examples(data)
        // [CLS] a ##a ##b film . b [SEP]
        #expect(examples.targets == .tags([[-1, 0, -1, -1, 2, 1, -1, -1]]) && cut == 0)
        tagger.maxLength = 5
        #expect(try tagger.examples(data).cut == 1)
        #expect(try tagger.examples(data).examples.targets == .tags([[-1, 0, -1, -1, -1]]))
    }

    @Test(
        "what is trained tags the same when it is opened again",
        arguments: [FineTuning.Method.full, .head, .topK, .bitfit, .gradual])
    func roundTrip(method: FineTuning.Method) throws {
        let tagger = try tagger()
        let data = try sentences()
        let examples = try tagger.examples(data).examples
        var configuration = FineTuning.Configuration(method: method)
        configuration.learningRate = 5e-3
        configuration.batchSize = 4
        if method == .full { configuration.epochs = 30 }
        configuration.optimization.topKLayers = 1
        configuration.optimization.headSolver = .lbfgs
        let outcome = try FineTuning(tagger, configuration, keepingBestIn: scratch.path)
            .run(train: examples, dev: examples) { _ in }
        guard case .entities(let metrics) = try #require(outcome.keptEvaluation.dev) else {
            Issue.record("no metrics of entities")
            return
        }
        #expect(metrics.sentences == 24 && metrics.words == 128)
        if method == .full { #expect(metrics.micro.f1 > 0.6) }
        try tagger.write(to: scratch("out"), record: ["task": .string("token-classification")])
        let opened = try TokenTagger(ModelDirectory(scratch("out")))
        #expect(opened.labels == tagger.labels)
        #expect(try TokenTagger.isPublished(in: ModelDirectory(scratch("out"))))
        let texts = Array(examples.texts)
        #expect(opened.logits(texts) == tagger.logits(texts))
        #expect(opened.evaluate(examples, features: nil) == tagger.evaluate(examples, features: nil))
        let config = try Golden.json(scratch("out"), "config.json")
        #expect(config["architectures"]?.array == [.string("BertForTokenClassification")])
        #expect(config["id2label"]?["2"]?.string == "O" && config["problem_type"] == nil)
    }

    @Test("a head learns by steps from the labelled tokens alone")
    func headSteps() throws {
        let tagger = try tagger()
        let examples = try tagger.examples(sentences()).examples
        var configuration = FineTuning.Configuration(method: .head)
        configuration.optimization.headSolver = .steps
        configuration.learningRate = 1e-2
        configuration.batchSize = 5
        let outcome = try FineTuning(tagger, configuration, keepingBestIn: scratch.path)
            .run(train: examples, dev: nil) { _ in }
        let first = try #require(outcome.evaluations.first), last = try #require(outcome.evaluations.last)
        #expect(last.trainingLoss < first.trainingLoss)
    }

    @Test("what is asked of the loss counts for labelled tokens alone")
    func objective() {
        let logits = Tensor([5, 2], [9, 9, 1, 0, 7, -7, 0, 2, 3, 3])
        let rows = Tensor([2, 2], [1, 0, 0, 2])
        let tags = Targets.tags([[-1, 0], [-1, 1, -1]])
        var objective = TrainingObjective()
        objective.labelSmoothing = 0.1
        objective.classWeights = [1, 3]
        objective.rDrop = 0.5
        let (loss, gradient) = objective.loss(logits, tags)
        let expected = objective.loss(rows, .classes([0, 1]))
        #expect(loss == expected.loss && objective.weight(of: tags) == 4)
        #expect(gradient.gather([1, 3]) == expected.gradient)
        #expect(gradient.gather([0, 2, 4]) == .zeros([3, 2]))
        let twice = objective.loss(logits, logits, tags)
        #expect(twice.loss == objective.loss(rows, rows, .classes([0, 1])).loss && twice.first == twice.second)
        #expect(objective.loss(Tensor([1, 2], [1, 2]), .tags([[-1]])).loss == 0)
    }
}
