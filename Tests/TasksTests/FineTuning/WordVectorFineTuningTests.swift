import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("WordVectorFineTuning")
struct WordVectorFineTuningTests {
    private static let vectors = """
        apple 1 0 0.2 0
        pear 0.9 0.1 0 0.1
        plum 1 0.2 0 0
        fruit 0.8 0 0.1 0
        train 0 1 0 0.2
        rail 0.1 0.9 0.1 0
        station 0 1 0.1 0
        track 0.2 0.8 0 0

        """
    private let scratch: TemporaryDirectory

    init() throws { scratch = try TemporaryDirectory() }

    /// Texts of two topics, in words that no other topic has; `plum` and `track` are in none.
    private func corpus(_ name: String = "train.tsv", several: Bool = false) throws -> FilePath {
        var lines = "text\tlabel\n"
        let topics = [
            ("garden", ["apple", "pear", "fruit", "juicy"]), ("travel", ["train", "rail", "station", "late"]),
        ]
        let random = RandomSource(seed: 5)
        for line in 0..<80 {
            let (label, words) = topics[line % 2]
            let text = (0..<4).map { _ in words[Int(random.next() % 4)] }.joined(separator: " ")
            lines +=
                several && line % 8 == 0 ? "\(text) late apple \(line)\tgarden,travel\n" : "\(text) \(line)\t\(label)\n"
        }
        return try scratch.write(lines, to: name)
    }

    private func tuning(
        _ vectors: FilePath, _ data: FilePath, ngrams: Int = 2, seed: UInt64 = 1, problem: ProblemType? = nil
    ) throws -> WordVectorFineTuning {
        var options = FineTuningData.Options()
        options.problem = problem
        let data = try FineTuningData(train: data, dev: nil, options)
        var configuration = WordClassifierConfiguration(examples: data.trainCount)
        configuration.wordNgrams = ngrams
        configuration.seed = seed
        let vectors = try WordVectors(vectors)
        return try WordVectorFineTuning(vectors, WordSplitting(vectors.suitableRule), data, configuration)
    }

    private func train(_ tuning: WordVectorFineTuning, to name: String) throws -> WordVectorClassifier {
        let outcome = try tuning.run { _ in }
        _ = try tuning.write(to: scratch(name), model: "v.txt", outcome, history: TrainingHistory(), facts: [])
        return try WordVectorClassifier(scratch(name))
    }

    private func scores(_ classifier: WordVectorClassifier, _ texts: [String]) -> Tensor {
        classifier.scores(classifier.logits(of: texts.map { InputText(text: $0) }))
    }

    @Test(
        "two topics are learned, and words that no training text has go with the vectors near them", arguments: [1, 2])
    func learns(ngrams: Int) throws {
        let tuning = try tuning(scratch.write(Self.vectors, to: "v.txt"), corpus(), ngrams: ngrams)
        // Of the words of a text the fifth is a number without a vector, and a fourth of the others is.
        #expect((0.5...0.7).contains(tuning.coverage))
        var events: [FineTuning.Event] = []
        let outcome = try tuning.run { events.append($0) }
        guard case .classification(let metrics) = outcome.keptEvaluation.dev else {
            Issue.record("no metrics")
            return
        }
        #expect(metrics.accuracy == 1 && outcome.epochs == 50 && events.count == outcome.steps + 50)
        _ = try tuning.write(to: scratch("model"), model: "v.txt", outcome, history: TrainingHistory(), facts: [])
        let classifier = try WordVectorClassifier(scratch("model"))
        #expect(classifier.labels == ["garden", "travel"] && classifier.problem == .singleLabel)
        #expect(scratch.names.contains("model"))
        let found = scores(classifier, ["Plum plum", "TRACK!", "juicy", "late"])
        #expect((0..<4).allSatisfy { found.values[2 * $0 + $0 % 2] > 0.6 })
    }

    @Test(
        "what is read back gives the probabilities of the training, whatever the vectors were",
        arguments: [
            "text", "fastText", "fastText 2016", "graft",
        ])
    func readBack(kind: String) throws {
        let golden = Golden.directory("word-vectors")
        let file: FilePath
        switch kind {
        case "text": file = try scratch.write(Self.vectors, to: "v.txt")
        case "fastText": file = golden.appending("skipgram.bin")
        case "fastText 2016": file = golden.appending("skipgram-2016.bin")
        default:
            file = scratch("v.gwv")
            try WordVectors(golden.appending("skipgram.bin")).write(.graft, to: file)
        }
        var lines = "text\tlabel\n"
        for line in 0..<40 {
            lines += line % 2 == 0 ? "king sees \(line) apple apples\tA\n" : "dog likes \(line) trains train\tB\n"
        }
        let data = try scratch.write(lines, to: "train.tsv")
        let tuning = try tuning(file, data)
        let classifier = try train(tuning, to: "model")
        let texts = try FineTuningData(train: data, dev: nil, FineTuningData.Options()).devExamples([0, 1, 2, 3])
        let logits = classifier.logits(of: (0..<4).map { InputText(text: texts[$0]!.text) })
        #expect(logits.largestDifference(from: tuning.training.devLogits()) < 1e-6)
        #expect(logits.values.allSatisfy { abs($0) > 0.1 })
    }

    @Test("the same seed gives the same bytes, another seed others")
    func seeds() throws {
        let (file, data) = (try scratch.write(Self.vectors, to: "v.txt"), try corpus())
        func bytes(_ seed: UInt64, _ name: String) throws -> [UInt8]? {
            _ = try train(tuning(file, data, seed: seed), to: name)
            return contents(of: scratch(name).appending(WordVectorClassifier.modelName))
        }
        let first = try bytes(1, "a")
        #expect(try first != nil && bytes(1, "b") == first && bytes(2, "c") != first)
    }

    @Test("texts with several labels: a question for each label")
    func severalLabels() throws {
        let tuning = try tuning(scratch.write(Self.vectors, to: "v.txt"), corpus(several: true))
        let classifier = try train(tuning, to: "model")
        #expect(classifier.problem == .multiLabel && classifier.scoring == .sigmoid)
        let found = scores(classifier, ["apple fruit", "rail station"])
        #expect(found.values[0] > 0.5 && found.values[1] < 0.5 && found.values[2] < 0.5 && found.values[3] > 0.5)
    }

    @Test(
        "vectors of other words, damaged ones and those that are not finite are refused; an interrupted run leaves nothing"
    )
    func badInput() throws {
        let data = try corpus()
        let other = try scratch.write("кот 1 0\nпёс 0 1\n", to: "other.txt")
        #expect(throws: WordVectorsError.noCommonWords(other, texts: data)) { try tuning(other, data) }
        let infinite = try scratch.write("apple 1e39 0\npear 0 1\n", to: "infinite.txt")
        #expect(throws: WordVectorsError.self) { try tuning(infinite, data) }
        let ragged = try scratch.write("apple 1 0\npear 0\n", to: "ragged.txt")
        #expect(throws: WordVectorsError.raggedRow(ragged, line: 2, found: 1, expected: 2)) { try tuning(ragged, data) }
        let run = try tuning(scratch.write(Self.vectors, to: "v.txt"), data)
        #expect(throws: FineTuning.Failure.interrupted(step: 1, checkpoint: nil)) {
            try run.run(isInterrupted: { true }, report: { _ in })
        }
    }

    @Test("what graft.json says is checked; a file alone splits at blanks")
    func directory() throws {
        let classifier = try train(tuning(scratch.write(Self.vectors, to: "v.txt"), corpus()), to: "model")
        let directory = scratch("model")
        #expect(WordVectorClassifier.isPublished(in: ModelDirectory(directory)))
        let record = try JSONFile(directory.appending("graft.json"), purpose: "a test")
        #expect(record.object["words"]?.string == "lowercase" && record.object["calibration"] != nil)
        #expect(record.object["training"]?["word_ngrams"]?.integer == 2)
        let file = try WordVectorClassifier(directory.appending(WordVectorClassifier.modelName))
        #expect(scores(file, ["apple pear"]) != scores(classifier, ["apple pear"]))  // not calibrated
        #expect(
            file.logits(of: [InputText(text: "apple pear")]) == classifier.logits(of: [InputText(text: "Apple, pear")]))
        let summary = try ModelSummary(ModelDirectory(directory)).json(listsTensors: true)
        #expect(summary["labels"] == .array([.string("garden"), .string("travel")]))
        #expect(summary["architecture"]?.string == "fasttext" && summary["vectors"]?["size"]?.integer == 4)
        var wrong = record
        wrong.object["words"] = .string("syllables")
        try wrong.write(to: directory.appending("graft.json"))
        #expect(throws: ModelError.self) { try WordVectorClassifier(directory) }
    }
}
