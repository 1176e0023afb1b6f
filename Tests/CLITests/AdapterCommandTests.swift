import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("Commands for adapters")
struct AdapterCommandTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
    }

    private func train(_ extra: String...) async throws -> Graft.Outcome {
        let model = try TinyModel.make(in: scratch, named: "base")
        let file = try scratch.write(TinyModel.examples(48), to: "train.tsv")
        return try await graft.run(
            ["finetune", model.string, "--train", file.string, "--dev", file.string, "--output", scratch("out").string]
                + ["--epochs", "2", "--batch-size", "8"] + extra)
    }

    @Test("an adapter is trained, inspected, used, measured and merged")
    func wholeWay() async throws {
        let result = try await train("--method", "lora", "--rank", "2", "--dora", "--lora-plus-ratio", "4")
        #expect(result.status == 0, "\(result.errors)")
        let inspected = try await graft("inspect", scratch("out").string)
        #expect(inspected.output.contains("LORA, of PEFT"), "\(inspected.output)")
        let answer = try await graft("classify", scratch("out").string, "--scores", input: Array("good\nbad\n".utf8))
        #expect(answer.status == 0 && answer.output.contains("positive"), "\(answer.errors)")
        let measured = try await graft(
            "evaluate", scratch("out").string, "--data", scratch("train.tsv").string, "--json")
        #expect(measured.status == 0, "\(measured.errors)")
        let vectors = try await graft("embed", scratch("out").string, input: Array("good\n".utf8))
        #expect(vectors.status == 0, "\(vectors.errors)")
        let card = String(decoding: try #require(contents(of: scratch("out/README.md"))), as: UTF8.self)
        #expect(card.contains("library_name: peft\n"))
        let misplaced = try await graft("classify", scratch("base").string, "--adapter", scratch("out").string)
        #expect(misplaced.status == 1 && misplaced.errors.contains("Name PEFT's directory as the model"))
        let merged = try await graft("merge", scratch("out").string, "--output", scratch("merged").string)
        #expect(merged.status == 0, "\(merged.errors)")
        #expect(merged.errors.contains("over 32 sequences, the largest difference of a logit from"), "\(merged.errors)")
        let same = try await graft("classify", scratch("merged").string, "--scores", input: Array("good\nbad\n".utf8))
        let values = { (text: String) in
            try text.split(separator: "\n").map {
                try JSON(parsing: Array($0.utf8))["scores"]?["positive"]?.number ?? -1
            }
        }
        for (a, b) in zip(try values(answer.output), try values(same.output)) { #expect(abs(a - b) < 1e-4) }
        for verb in ["fill", "tag"] {
            let refused = try await graft.run([verb, scratch("out").string], input: Array("good\n".utf8))
            #expect(
                refused.status == 1 && refused.errors.contains("graft merge makes a model of it"), "\(refused.errors)")
        }
    }

    @Test(
        "wrong usage is refused before any work",
        arguments: [
            (["--method", "lora", "--rank", "0"], "--rank is 0; expected at least 1."),
            (["--rank", "4"], "--rank is for --method lora."),
            (
                ["--method", "lora", "--virtual-tokens", "4"],
                "--virtual-tokens is for --method prompt and --method prefix."
            ),
            (["--method", "prompt", "--targets", "query"], "--targets is for --method lora and --method ia3."),
            (["--method", "lora", "--adapter-dropout", "1"], "--adapter-dropout is 1.0"),
            (["--method", "prefix", "--virtual-tokens", "0"], "--virtual-tokens is 0"),
        ])
    func usage(flags: [String], message: String) async throws {
        let result = try await graft.run(
            ["finetune", "base", "--train", "train.tsv", "--output", scratch("out").string] + flags)
        #expect(result.status == 64 && result.errors.contains(message), "\(result.errors)")
    }

    @Test("targets that match nothing are answered with what there is; so is a merge of what cannot be folded")
    func refusals() async throws {
        let wrong = try await train("--method", "lora", "--targets", "q_proj,v_proj")
        #expect(
            wrong.status == 1 && wrong.errors.contains("attention.self.query, attention.self.key"), "\(wrong.errors)")
        let result = try await train("--method", "prompt", "--virtual-tokens", "3")
        #expect(result.status == 0, "\(result.errors)")
        let merged = try await graft("merge", scratch("out").string, "--output", scratch("merged").string)
        #expect(merged.status == 1 && merged.errors.contains("is prompt tuning, which no matrix"), "\(merged.errors)")
        let noAdapter = try await graft("merge", scratch("base").string, "--output", scratch("merged").string)
        #expect(noAdapter.status == 1 && noAdapter.errors.contains("no adapter"), "\(noAdapter.errors)")
        let empty = try scratch.write("\r\n", to: "empty.txt")
        let noTexts = try await graft(
            "merge", scratch("out").string, "--output", scratch("merged").string, "--texts", empty.string)
        #expect(noTexts.status == 1 && noTexts.errors.contains("holds no text"), "\(noTexts.errors)")
        let weights = try await graft(
            "merge", scratch("out").string, "--output", scratch("merged").string, "--weights", "1,2")
        #expect(weights.status == 64, "\(weights.errors)")
    }
}
