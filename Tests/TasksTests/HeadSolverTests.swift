import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

/// The method `head`, solved to its optimum.
@Suite("HeadSolver")
struct HeadSolverTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func train(
        _ model: FilePath, _ problem: ProblemType = .singleLabel, label: (Bool) -> String, dev: Bool = false,
        c: Double? = nil
    ) throws -> (SequenceClassifier, FineTuning.Outcome, FineTuning.Examples) {
        let lines = TinyModel.examples(60).split(separator: "\n").dropFirst().map { line in
            let fields = line.split(separator: "\t")
            return "\(fields[0])\t\(label(fields[1] == "positive"))\n"
        }
        let data = try LabelledExamples(scratch.write("text\tlabel\n" + lines.joined(), to: "train.tsv"))
        let classifier = try SequenceClassifier(
            pretrained: ModelDirectory(model), labels: data.headLabels(for: problem), problem: problem,
            random: RandomSource(seed: 1))
        var configuration = FineTuning.Configuration(method: .head, seed: 1)
        configuration.optimization.inverseRegularization = c
        let examples = try FineTuning.Examples(data, classifier.targets(data), classifier)
        let outcome = try FineTuning(classifier, configuration, keepingBestIn: scratch.path)
            .run(train: examples, dev: dev ? examples : nil) { _ in }
        return (classifier, outcome, examples)
    }

    private var bert: FilePath { get throws { try TinyModel.make(in: scratch, named: "model") } }

    @Test("the head that is written computes the optimum of the regression on standardized features")
    func optimum() throws {
        let (classifier, outcome, examples) = try train(bert, label: { $0 ? "good" : "bad" }, c: 0.1)
        #expect(outcome.inverseRegularization == 0.1 && outcome.evaluations.count == 1)
        guard case .classes(let classes) = examples.targets else { throw WrongKind() }
        let features = try #require(classifier.features(examples.texts))
        let count = Float(features.rows)
        // Standardized by hand.
        var rows = features
        rows.mutate { values in
            for column in 0..<features.columns {
                let places = stride(from: column, to: values.count, by: features.columns)
                let mean = places.reduce(0) { $0 + values[$1] } / count
                let deviation = (places.reduce(0) { $0 + (values[$1] - mean) * (values[$1] - mean) } / count)
                    .squareRoot()
                for place in places { values[place] = (values[place] - mean) / max(deviation, 1e-6) }
            }
        }
        let model = LinearModel.fit(rows, outputs: 2, decay: 1 / (0.1 * Double(count))) {
            CrossEntropyLoss.evaluate($0, targets: classes)
        }.model
        #expect(classifier.logits(examples.texts).largestDifference(from: model.logits(rows)) < 2e-3)
    }

    @Test(
        "sets of labels and numbers are solved for too, and the strength chosen with dev and without",
        arguments: [false, true])
    func problems(dev: Bool) throws {
        let (sets, outcome, examples) = try train(bert, .multiLabel, label: { $0 ? "good,nice" : "bad" }, dev: dev)
        #expect(try #require(outcome.inverseRegularization) > 0)
        guard
            case .multiLabel(let metrics) = sets.evaluate(
                logits: sets.logits(examples.texts), targets: examples.targets)
        else { throw WrongKind() }
        #expect(metrics.micro.f1 > 0.9, "\(metrics)")
        let (numbers, _, values) = try train(bert, .regression, label: { $0 ? "1.5" : "-0.5" }, dev: dev)
        guard
            case .regression(let errors) = numbers.evaluate(
                logits: numbers.logits(values.texts), targets: values.targets)
        else { throw WrongKind() }
        #expect(errors.mse < 0.2, "\(errors)")
    }

    @Test(
        "whatever stands between features and logits, the head computes the solution", arguments: Activation.allCases,
        [true, false])
    func passages(activation: Activation, hasBias: Bool) throws {
        let encoder = try EncoderArchitecture(JSONFile(bert.appending("config.json"), purpose: "the test"))
        var architecture = encoder.head
        (architecture.activation, architecture.denseHasBias) = (activation, hasBias)
        let random = RandomSource(seed: 5)
        let source = ParameterSource(nil, random: random)
        let head = try ClassificationHead(source.root, encoder, head: architecture, labels: 3)
        var features = random.normalTensor([80, encoder.hiddenSize], standardDeviation: 3)
        features.mutate { values in for i in values.indices { values[i] += Float(i % 7) } }
        let targets = (0..<80).map { row in
            let values = Array(features.row(row).prefix(3))
            return values.firstIndex(of: values.max()!)!
        }
        let solution = try #require(
            HeadSolver(head, TrainingObjective(), inverseRegularization: 1).solve(
                features, .classes(targets), dev: nil, random: random))
        let logits = head.forward(features).logits
        #expect(abs(CrossEntropyLoss.evaluate(logits, targets: targets).loss - solution.loss) < 1e-3)
        // Past the dense layer nothing of the features is lost.
        if hasBias { #expect(solution.loss < 0.5) }
    }

    @Test("a model published with mean pooling gets a layer that brings the mean to its head, and is written with it")
    func meanLayer() throws {
        let model = try bert
        func classifier(_ meanLayer: Bool) throws -> SequenceClassifier {
            try SequenceClassifier(
                pretrained: ModelDirectory(model), labels: ["a", "b"], meanLayer: meanLayer,
                random: RandomSource(seed: 1))
        }
        // Not published so.
        #expect(try classifier(true).encoder.layers.count == 2)
        try scratch.write(
            """
            [{"idx":0,"path":"","type":"sentence_transformers.models.Transformer"},
             {"idx":1,"path":"1_Pooling","type":"sentence_transformers.models.Pooling"}]
            """, to: "model/modules.json")
        try scratch.write(
            #"{"word_embedding_dimension":32,"pooling_mode_mean_tokens":true}"#, to: "model/1_Pooling/config.json")
        let plain = try classifier(false)
        let mean = try classifier(true)
        #expect(plain.encoder.layers.count == 2 && mean.encoder.layers.count == 3 && mean.initialized.isEmpty)
        let texts = TokenizedTexts(
            ["the film was good", "a", "not very bad, but cold and dull"].map {
                TokenizedText($0, mean.tokenizer, maxLength: 24)
            })
        mean.freeze()
        let features = try #require(mean.features(texts))
        #expect(mean.features(texts, shouldStop: { true }) == nil)
        for (index, text) in texts.enumerated() {
            var batch = TokenBatch()
            batch.append(text.ids)
            let states = plain.encoder.forward(batch).output
            let means = PoolingMode.mean.pool(states, batch.sequences).values
            let centre: Float = means.reduce(0, +) / 32
            let squares = means.map { ($0 - centre) * ($0 - centre) }
            let deviation = (squares.reduce(0, +) / 32).squareRoot()
            for (found, mean) in zip(features.row(index), means) {
                #expect(abs(found - (mean - centre) / deviation) < 0.02)
            }
        }
        try mean.write(to: scratch("out"), record: [:])
        let loaded = try SequenceClassifier(ModelDirectory(scratch("out")))
        #expect(loaded.encoder.layers.count == 3 && loaded.logits(texts) == mean.logits(texts))
    }

    @Test("the same examples and seed give the same bits")
    func determinism() throws {
        let first = try train(bert, label: { $0 ? "good" : "bad" }).0.parameters.map(\.value)
        #expect(try train(bert, label: { $0 ? "good" : "bad" }).0.parameters.map(\.value) == first)
    }

    struct WrongKind: Error {}
}
