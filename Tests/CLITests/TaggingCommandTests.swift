import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("graft finetune --problem-type token_classification")
struct TaggingCommandTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
    }

    private func train(_ data: String, _ extra: String...) async throws -> Graft.Outcome {
        let model = try TinyModel.make(in: scratch, named: "base")
        let file = try scratch.write(data, to: "train.conll")
        return try await graft.run(
            ["finetune", model.string, "--train", file.string, "--problem-type", "token_classification"]
                + ["--output", scratch("out").string] + extra)
    }

    private var sentences: String {
        (0..<40).map { "the O\nfilm\($0) O\nwas O\n\(["good", "bad"][$0 % 2]) B-TONE\n" }.joined(separator: "\n")
    }

    @Test("trained, used, measured")
    func wholeRun() async throws {
        let result = try await train(
            sentences, "--learning-rate", "5e-3", "--batch-size", "4", "--class-weights", "balanced")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("36 sentences, 144 words") && result.errors.contains("4 more are set aside"))
        #expect(result.errors.contains("dev entity F1 "), "\(result.errors)")
        let summary = try JSON(parsing: Array(result.output.split(separator: "\n").last!.utf8))
        #expect(summary["dev"]?["f1"] == .integer(1) || summary["dev"]?["f1"]?.number == 1)
        for name in ["graft.json", "config.json", "README.md", "report.html", "metrics.jsonl"] {
            #expect(contents(of: scratch("out").appending(name)) != nil, "\(name)")
        }
        let record = try Golden.json(scratch("out"), "graft.json")
        #expect(record["task"]?.string == "token-classification" && record["aggregation"]?.string == "first")
        #expect(record["data"]?["train_examples"]?.integer == 36 && record["data"]?["dev_examples"]?.integer == 4)
        let card = String(decoding: contents(of: scratch("out").appending("README.md")) ?? [], as: UTF8.self)
        #expect(card.contains("pipeline_tag: token-classification") && card.contains("| Entity F1 | 1.0000 |"))
        #expect(card.contains("graft tag .") && card.contains("one of 2 tags: `B-TONE`, `O`"))
        let report = String(decoding: contents(of: scratch("out").appending("report.html")) ?? [], as: UTF8.self)
        #expect(report.contains("<bdi>TONE</bdi>") && !report.contains("Without a dev set"))

        let tags = try await graft("tag", scratch("out").string, input: Array("the plot was good".utf8))
        let entities = try JSON(parsing: Array(tags.output.utf8))["entities"]?.array
        #expect(entities?.map { $0["text"]?.string } == ["good"] && entities?[0]["label"]?.string == "TONE")

        let data = scratch("train.conll").string
        let table = try await graft("evaluate", scratch("out").string, "--data", data)
        #expect(table.output.hasPrefix("40 sentences, entity F1 100.00 %"), "\(table.output)\(table.errors)")
        let json = try await graft("evaluate", scratch("out").string, "--data", data, "--json")
        let metrics = try JSON(parsing: Array(json.output.utf8))
        #expect(metrics["words"]?.integer == 160 && metrics["entities"]?.array?.count == 1)
        let refused = try await graft("evaluate", scratch("out").string, "--data", data, "--text-column", "a")
        #expect(refused.status == 64 && refused.errors.contains("does not go with"))
    }

    @Test("the head alone, without a dev set")
    func head() async throws {
        let result = try await train(sentences, "--method", "head", "--no-dev")
        #expect(result.status == 0, "\(result.errors)")
        let record = try Golden.json(scratch("out"), "graft.json")
        #expect(record["training"]?["solver"]?.string == "lbfgs" && record["data"]?["dev_examples"] == .null)
    }

    @Test("what a tagger is not trained with is refused by name")
    func refusals() async throws {
        for extra in [["--method", "lora"], ["--folds", "3"], ["--text-column", "a"], ["--augment", "all"]] {
            let result = try await train(sentences, "--epochs", "1", extra[0], extra[1])
            #expect(result.status == 64, "\(extra): \(result.errors)")
        }
        let adapter = try await train(sentences, "--method", "lora")
        #expect(
            adapter.errors.contains(
                "--method lora does not go with --problem-type token_classification; use full, head, top-k, gradual or bitfit."
            ))
        let ragged = try await train("a O\nb\n")
        #expect(ragged.status == 1 && ragged.errors.contains("train.conll:2: a word without a tag"))
    }
}
