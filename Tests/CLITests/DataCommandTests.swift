import JSON
import SystemPackage
import TestSupport
import Testing

/// What `finetune` does with data, as a user sees it.
@Suite("finetune's data")
struct DataCommandTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()
    private let model: FilePath

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
        model = try TinyModel.make(in: scratch, named: "base")
    }

    private let rows = (0..<60).map { "the film \($0) was \($0 % 2 == 0 ? "good" : "bad"),\($0 % 2)\n" }

    private func train(_ data: String, _ extra: String...) async throws -> Graft.Outcome {
        let file = try scratch.write(data, to: "train.data")
        return try await graft.run(
            ["finetune", model.string, "--train", file.string, "--epochs", "1", "--batch-size", "8"] + extra)
    }

    @Test("--check-data reads and checks, prints a record, and needs neither model nor output")
    func checkData() async throws {
        let file = try scratch.write(
            "review,stars\n" + rows.joined() + "The film 0  was good,1\n,1\n", to: "train.data")
        let result = try await graft("finetune", "no-model", "--train", file.string, "--check-data")
        #expect(result.status == 0, "\(result.errors)")
        for part in [
            "train.data: CSV, text column 'review', label column 'stars', 62 examples", "labels: 0 30, 1 32",
            "6 of them are set aside", "repeated training texts: 1", "texts with different labels: 1",
            "empty texts: 1, first in line 63",
        ] { #expect(result.errors.contains(part), "\(result.errors)") }
        let record = try JSON(parsing: Array(result.output.utf8))
        #expect(record["examples"] == .integer(62) && record["duplicates"] == .integer(1))
        #expect(record["labels"] == .object(["0": .integer(30), "1": .integer(32)]))
        let strict = try await graft("finetune", "no-model", "--train", file.string, "--check-data", "--strict-data")
        #expect(strict.status == 1 && strict.errors.contains("the data is not clean"), "\(strict.errors)")
    }

    @Test("a label with one example is refused before any work")
    func loneExample() async throws {
        let result = try await train(
            "text,label\n" + rows.joined() + "odd one,7\n", "--output", scratch("out").string)
        #expect(result.status == 1)
        #expect(
            result.errors.contains("label \"7\" has one example; expected at least two"), "\(result.errors)")
        #expect(!result.errors.contains("has one training example"), "said once: \(result.errors)")
        #expect(contents(of: scratch("out/config.json")) == nil)
    }

    @Test("without --dev a part is set aside and measured on; labels have the names that are given")
    func split() async throws {
        let result = try await train(
            "text,label\n" + rows.joined(), "--label-names", "good, bad", "--dev-share", "0.2", "--max-length", "5",
            "--output", scratch("out").string)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("60 texts are longer than 5 tokens and cut"), "\(result.errors)")
        let record = try JSON(parsing: Array(result.output.utf8))
        #expect(record["dev"]?["examples"] == .integer(12))
        let written = try JSON(parsing: #require(contents(of: scratch("out/graft.json"))))
        #expect(written["data"]?["train_examples"] == .integer(48) && written["data"]?["dev_examples"] == .integer(12))
        let configuration = try JSON(parsing: #require(contents(of: scratch("out/config.json"))))
        #expect(configuration["id2label"] == .object(["0": .string("good"), "1": .string("bad")]))
    }

    @Test("--folds prints a record for each fold and one for all, and writes nothing without --output")
    func folds() async throws {
        let before = scratch.names + ["train.data"]
        let result = try await train("text,label\n" + rows.joined(), "--folds", "3")
        #expect(result.status == 0, "\(result.errors)")
        let records = try result.output.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        #expect(records.count == 4 && records[..<3].allSatisfy { $0["metrics"]?["examples"] == .integer(20) })
        let accuracies = records[..<3].compactMap { $0["metrics"]?["accuracy"]?.number }
        let mean = try #require(records[3]["mean"]?["accuracy"]?.number)
        let sum: Double = accuracies.reduce(0, +)
        #expect(abs(mean - sum / 3) < 1e-9)
        #expect(records[3]["standardDeviation"]?["accuracy"]?.number != nil)
        #expect(scratch.names == before.sorted())
    }

    @Test("texts are augmented for learning; words are swapped only where the model has a head for masked ones")
    func augmentation() async throws {
        let data = "text,label\n" + rows.joined()
        let plain = try await train(data, "--output", scratch("plain").string)
        let changed = try await train(data, "--augment", "delete=0.2,cutoff=0.1", "--output", scratch("changed").string)
        #expect(plain.status == 0 && changed.status == 0, "\(changed.errors)")
        #expect(
            contents(of: scratch("plain/model.safetensors")) != contents(of: scratch("changed/model.safetensors")))
        let again = try await train(data, "--augment", "delete=0.2,cutoff=0.1", "--output", scratch("again").string)
        #expect(again.status == 0)
        #expect(
            contents(of: scratch("again/model.safetensors")) == contents(of: scratch("changed/model.safetensors")))
        let swap = try await train(data, "--augment", "swap=0.1", "--output", scratch("swap").string)
        #expect(
            swap.status == 1 && swap.errors.contains("--augment swap needs a masked-language head"), "\(swap.errors)")
        let vectors = try scratch.write(
            TinyModel.vocabulary.enumerated().map { "\($1) \($0 % 7) 1 \($0 % 3)\n" }.joined(), to: "vectors.txt")
        let near = try await train(
            data, "--augment", "swap=0.3", "--swap-vectors", vectors.string, "--output", scratch("near").string)
        #expect(near.status == 0, "\(near.errors)")
        #expect(contents(of: scratch("near/model.safetensors")) != contents(of: scratch("plain/model.safetensors")))
        let absent = try await train(
            data, "--augment", "swap=0.3", "--swap-vectors", scratch("none").string, "--output", scratch("none2").string
        )
        #expect(absent.status == 1 && absent.errors.contains(scratch("none").string), "\(absent.errors)")
    }

    @Test("a model with a head for masked words proposes the words to swap in")
    func swapping() async throws {
        let masked = Golden.directory("pipelines").appending("fill-bert").string
        let file = try scratch.write("text,label\n" + rows.joined(), to: "train.data").string
        func run(_ output: String, _ extra: String...) async throws -> [UInt8]? {
            let result = try await graft.run(
                ["finetune", masked, "--train", file, "--epochs", "1", "--batch-size", "8", "--no-dev", "--output"]
                    + [scratch(output).string] + extra)
            #expect(result.status == 0, "\(result.errors)")
            return contents(of: scratch(output + "/model.safetensors"))
        }
        let plain = try await run("plain")
        let swapped = try await run("swapped", "--augment", "swap=0.3")
        let again = try await run("again", "--augment", "swap=0.3")
        #expect(plain != nil && swapped != nil && swapped != plain && swapped == again)
    }

    @Test("a warm-up that is as long as the run is answered with a warning, and the run goes on")
    func longWarmup() async throws {
        let data = "text,label\n" + rows.joined()
        // 60 examples in batches of 8.
        for (warmup, warns) in [("500", true), ("8", true), ("7", false), ("0.5", false)] {
            let result = try await train(data, "--no-dev", "--warmup", warmup, "--output", scratch(warmup).string)
            #expect(result.status == 0, "\(result.errors)")
            #expect(
                result.errors.contains("warning: --warmup is \(warmup) steps and the run has 8") == warns,
                "\(result.errors)")
        }
        for share in ["1.5", "1.0", "-1"] {
            let refused = try await train(data, "--warmup=\(share)", "--output", scratch("refused").string)
            #expect(refused.status == 64 && refused.errors.contains("--warmup is \(share)"), "\(refused.errors)")
        }
    }

    @Test(
        "options that do not fit are wrong usage",
        arguments: [
            ["--dev-share", "1.5"], ["--no-dev", "--dev", "x"], ["--folds", "1"], ["--folds", "3", "--dev", "x"],
            ["--data-format", "xml"], ["--delimiter", "ab"], ["--text-template", "no column"],
            ["--text-template", "{a}", "--text-column", "a"], ["--label-names", "a,a"], ["--augment", "shuffle=1"],
            ["--augment", "delete=0.1", "--swap-vectors", "v.txt"],
            ["--augment", "delete=0.1", "--method", "head"], ["--label-separator", ""],
            ["--tensorboard", "b/runs"], ["--tensorboard", "./x/../b"],
        ])
    func usage(flags: [String]) async throws {
        let result = try await graft.run(["finetune", "x", "--train", "a", "--output", "b"] + flags)
        #expect(result.status == 64, "\(flags): \(result.errors)")
    }
}
