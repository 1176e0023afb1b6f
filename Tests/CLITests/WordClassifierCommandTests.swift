import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("graft finetune, classify and evaluate on word vectors")
struct WordClassifierCommandTests {
    private let scratch: TemporaryDirectory
    private let graft = Graft()
    private let vectors: String
    private let train: String

    init() throws {
        scratch = try TemporaryDirectory()
        vectors = try scratch.write(
            "apple 1 0 0.2\npear 0.9 0.1 0\ntrain 0 1 0\nrail 0.1 0.9 0.1\n", to: "vectors.txt"
        ).string
        var lines = "text\tlabel\n"
        for line in 0..<60 {
            lines += line % 2 == 0 ? "An apple, a pear \(line)\tgarden\n" : "The train by rail \(line)\ttravel\n"
        }
        train = try scratch.write(lines, to: "train.tsv").string
    }

    private func records(_ output: String) throws -> [JSON] {
        try output.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
    }

    @Test("a spaCy pipeline's folder is word vectors in the model's place")
    func spaCy() async throws {
        let pipeline = Golden.directory("spacy-vectors").string
        let words = try scratch.write(
            "text\tlabel\n" + (0..<60).map { $0 % 2 == 0 ? "king \($0)\ta\n" : "queen \($0)\tb\n" }.joined(),
            to: "words.tsv")
        let result = try await graft(
            "finetune", pipeline, "--train", words.string, "--output", scratch("out").string)
        #expect(result.status == 0 && result.errors.contains("spaCy vectors, 34 words"), "\(result.errors)")
        let refused = try await graft(
            "finetune", pipeline, "--train", words.string, "--output", scratch("x").string, "--method", "lora")
        #expect(refused.status == 64 && refused.errors.contains("--method lora is for transformers"))
    }

    @Test("train, classify lines, evaluate; the same file whatever --threads")
    func wholeWay() async throws {
        for threads in ["1", "4"] {
            let result = try await graft(
                "finetune", vectors, "--train", train, "--output", scratch(threads).string, "--threads", threads)
            #expect(
                result.status == 0 && result.errors.contains("GloVe text, 4 words of 3 numbers"), "\(result.errors)")
            let record = try #require(try records(result.output).last)
            #expect(record["dev"]?["accuracy"]?.number == 1 && record["epochs"]?.integer == 50)
        }
        let model = scratch("1")
        #expect(contents(of: model.appending("model.bin")) == contents(of: scratch("4").appending("model.bin")))
        for name in ["graft.json", "README.md", "report.html", "metrics.jsonl"] {
            #expect(contents(of: model.appending(name)) != nil, "\(name)")
        }
        #expect(!scratch.names.contains { $0.contains("partial") || $0.hasSuffix(".run") })
        let found = try await graft(
            "classify", model.string, "--top-k", "2", "--json",
            input: Array("PEAR\n{\"text\":\"by train\",\"id\":7}\n{\"text\":\"a\",\"text_pair\":\"b\"}\n".utf8))
        let records = try records(found.output)
        #expect(found.status == 1 && records.count == 3)
        #expect(records[0]["label"]?.string == "garden" && records[0]["scores"]?.object?.members.count == 2)
        #expect(records[1]["label"]?.string == "travel" && records[1]["id"]?.integer == 7)
        #expect(records[2]["error"]?.string?.contains("single texts") == true)
        let embedded = try await graft("embed", model.string, input: Array("PEAR\n".utf8))
        #expect(embedded.status == 1 && embedded.errors.contains("graft classify gives texts its labels"))
        let evaluation = try await graft("evaluate", model.string, "--data", train, "--json")
        #expect(try JSON(parsing: Array(evaluation.output.utf8))["accuracy"]?.number == 1)
        let refused = try await graft("evaluate", model.string, "--data", train, "--positive-label", "garden")
        #expect(refused.status == 64 && refused.errors.contains("models that make vectors"))
    }

    @Test("--folds measures a classifier a fold, and writes one of all the data where --output is given")
    func folds() async throws {
        let before = scratch.names
        let alone = try await graft("finetune", vectors, "--train", train, "--folds", "3", "--epochs", "5")
        #expect(alone.status == 0, "\(alone.errors)")
        let folds = try records(alone.output)
        try #require(folds.count == 4)
        #expect(folds[..<3].map { $0["fold"]?.integer } == [1, 2, 3])
        #expect(folds[..<3].allSatisfy { $0["metrics"]?["examples"]?.integer == 20 })
        let accuracies = folds[..<3].compactMap { $0["metrics"]?["accuracy"]?.number }
        let mean = try #require(folds[3]["mean"]?["accuracy"]?.number)
        #expect(accuracies.count == 3 && abs(mean - accuracies.reduce(0, +) / 3) < 1e-9)
        #expect(folds[3]["folds"]?.integer == 3 && folds[3]["standardDeviation"]?["accuracy"]?.number != nil)
        #expect(scratch.names == before)
        let written = try await graft(
            "finetune", vectors, "--train", train, "--folds", "3", "--epochs", "5", "--output", scratch("all").string)
        #expect(written.status == 0, "\(written.errors)")
        let lines = try records(written.output)
        try #require(lines.count == 4)
        #expect(lines[..<3] == folds[..<3] && lines[3]["crossValidation"] == folds[3])
        let whole = try await graft(
            "finetune", vectors, "--train", train, "--no-dev", "--epochs", "5", "--output", scratch("whole").string)
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(contents(of: scratch("all/model.bin")) == contents(of: scratch("whole/model.bin")))
    }

    @Test("a fold whose training part has no known word is named")
    func foldWithoutWords() async throws {
        // One text with words that have vectors: where it is held out, nothing is left to learn from.
        let unknown = (0..<7).map { "unknown\($0)\t\($0 % 2 == 0 ? "garden" : "travel")\n" }.joined()
        let rare = try scratch.write("text\tlabel\nAn apple\ttravel\n" + unknown, to: "rare.tsv").string
        let result = try await graft("finetune", vectors, "--train", rare, "--folds", "2", "--epochs", "1")
        #expect(result.status == 1 && result.errors.contains("fold "), "\(result.errors)")
        #expect(result.errors.contains("has no vector for any word that is learned from"), "\(result.errors)")
    }

    @Test("classify takes a model of fastText's as it is")
    func fastTextModel() async throws {
        let model = Golden.directory("word-vectors").appending("quantized.ftz").string
        let found = try await graft("classify", model, "--scores", input: Array("king sees apples\n".utf8))
        let record = try #require(try records(found.output).first)
        #expect(found.status == 0 && record["scores"]?["short"]?.number != nil && record["label"]?.string == "long")
    }

    @Test("what does not go with word vectors is refused in one line")
    func refusals() async throws {
        let output = scratch("output").string
        for (options, name) in [
            (["--method", "lora"], "--method lora"), (["--batch-size", "8"], "--batch-size"),
            (["--folds", "3", "--resume"], "--resume"), (["--optimizer", "lion"], "--optimizer"),
            (["--mixup", "0.2"], "--mixup"),
            (["--problem-type", "regression"], "--problem-type regression"), (["--resume"], "--resume"),
        ] {
            let result = try await graft.run(["finetune", vectors, "--train", train, "--output", output] + options)
            #expect(result.status == 64 && result.errors.contains(name), "\(options): \(result.errors)")
        }
        for options in [["--tensorboard", "board"], ["--logging-steps", "5"]] {
            let result = try await graft.run(["finetune", vectors, "--train", train, "--folds", "3"] + options)
            #expect(result.status == 64 && result.errors.contains("\(options[0]) is for a model that is written"))
        }
        for options in [["--word-ngrams", "0"], ["--buckets", "0"]] {
            let result = try await graft.run(["finetune", vectors, "--train", train, "--output", output] + options)
            #expect(result.status == 64 && result.errors.contains(options[0]))
        }
        let model = try TinyModel.make(in: scratch, named: "model").string
        let misplaced = try await graft("finetune", model, "--train", train, "--output", output, "--word-ngrams", "2")
        #expect(misplaced.status == 64 && misplaced.errors.contains("--word-ngrams is for a file of word vectors"))
        let plain = try await graft("classify", vectors, input: Array("a\n".utf8))
        #expect(plain.status == 1 && plain.errors.contains("no model of fastText's, expected a classifier"))
        let adapter = try await graft(
            "classify", Golden.directory("word-vectors").appending("supervised.bin").string, "--max-length", "8")
        #expect(adapter.status == 64 && adapter.errors.contains("--max-length is for transformers"))
        let other = try scratch.write("кот 1 0\nпёс 0 1\n", to: "other.txt").string
        let zero = try scratch.write("apple 1 0\nra\0il 0 1\n", to: "zero.txt").string
        let unwritable = try await graft("finetune", zero, "--train", train, "--output", output)
        #expect(unwritable.status == 1 && unwritable.errors.contains("has a zero byte in it"), "\(unwritable.errors)")
        #expect(!unwritable.errors.contains("training loss"))
        let strange = try await graft("finetune", other, "--train", train, "--output", output)
        #expect(strange.status == 1 && strange.errors.contains("has no vector for any word of"))
        #expect(contents(of: FilePath(output)) == nil && !scratch.names.contains { $0.contains("partial") })
    }
}
