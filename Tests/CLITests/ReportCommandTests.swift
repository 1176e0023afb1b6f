import Checkpoints
import JSON
import SystemPackage
import TestSupport
import Testing

/// What a run leaves beside the model, and what looks for settings.
@Suite("Reports of fine-tuning")
struct ReportCommandTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
    }

    private func train(_ output: String = "out", _ extra: String...) async throws -> Graft.Outcome {
        let model = try TinyModel.make(in: scratch, named: "base")
        let data = try scratch.write(TinyModel.examples(64), to: "train.tsv")
        return try await graft.run(
            [
                "finetune", model.string, "--train", data.string, "--dev", data.string, "--output",
                scratch(output).string,
            ]
                + ["--epochs", "2", "--batch-size", "8", "--learning-rate", "2e-3"] + extra)
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try #require(contents(of: scratch(name)), "\(name)"), as: UTF8.self)
    }

    private func lines(_ name: String) throws -> [JSON] {
        try text(name).split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
    }

    @Test("logs, report and card are beside the model, and nothing else remains")
    func files() async throws {
        let result = try await train()
        #expect(result.status == 0, "\(result.errors)")
        #expect(scratch.names == ["base", "out", "train.tsv"])
        let steps = try lines("out/metrics.jsonl").filter { $0["kind"] == .string("step") }
        #expect(
            steps.count == 16 && steps.allSatisfy { $0["loss"]?.number != nil && $0["learningRate"]?.number != nil })
        #expect(try lines("out/metrics.jsonl").count { $0["kind"] == .string("evaluation") } == 2)
        #expect(try text("out/report.html").contains("Confusion matrix"))
        let card = try text("out/README.md")
        #expect(card.hasPrefix("---\nlibrary_name: transformers\n") && card.contains("| learning rate | 0.002 |"))
        let again = try await train("again", "--logging-steps", "100", "--tensorboard", scratch("events").string)
        #expect(again.status == 0, "\(again.errors)")
        // The same weights, and the same card but for its name.
        #expect(contents(of: scratch("again/model.safetensors")) == contents(of: scratch("out/model.safetensors")))
        #expect(try text("again/README.md").replacing("again", with: "out") == card)
        #expect(try lines("again/metrics.jsonl").count { $0["kind"] == .string("step") } == 1)
        #expect(scratch.names.contains("events") && contents(of: scratch("again/runs")) == nil)
    }

    @Test("classify calibrates scores as graft.json says; --raw-scores are those of the head")
    func calibration() async throws {
        #expect(try await train().status == 0)
        let record = try JSONFile(scratch("out/graft.json"), purpose: "the test")
        let temperature = try #require(record.object["calibration"]?["temperature"]?.number)
        #expect(temperature != 1)
        func score(_ arguments: String...) async throws -> Double {
            let result = try await graft.run(
                ["classify", scratch("out").string] + arguments, input: Array("good".utf8))
            return try #require(JSON(parsing: Array(result.output.utf8))["score"]?.number)
        }
        let (calibrated, raw) = (try await score(), try await score("--raw-scores"))
        #expect(temperature < 1 ? calibrated > raw : calibrated < raw, "\(temperature): \(raw), \(calibrated)")
        var broken = record
        broken.object["calibration"] = .object(["temperature": .integer(0)])
        try broken.write(to: scratch("out/graft.json"))
        let refused = try await graft("classify", scratch("out").string)
        #expect(refused.status == 1 && refused.errors.contains("calibration.temperature"), "\(refused.errors)")
    }

    @Test("--find-learning-rate writes a plot and no model")
    func learningRates() async throws {
        let result = try await train("rates", "--find-learning-rate")
        #expect(result.status == 0, "\(result.errors)")
        let record = try JSON(parsing: Array(result.output.utf8))
        #expect((record["steps"]?.integer ?? 0) > 20 && (record["valley"]?.number ?? 0) > 1e-7)
        #expect(try text("rates/learning-rates.html").contains("valley"))
        #expect(contents(of: scratch("rates/model.safetensors")) == nil)
    }

    @Test("--search logs its trials, and trains and writes the best settings")
    func search() async throws {
        let result = try await train("out", "--search", "0.02")
        #expect(result.status == 0, "\(result.errors)")
        let trials = try lines("out/search.jsonl")
        #expect(!trials.isEmpty && trials[0]["learningRate"] == .number(2e-3) && trials[0]["dev"]?["accuracy"] != nil)
        #expect(result.errors.contains("chosen: learning rate "), "\(result.errors)")
        let record = try JSONFile(scratch("out/graft.json"), purpose: "the test")
        let chosen = record.object["training"]?["learning_rate"]
        #expect(trials.contains { $0["learningRate"] == chosen })
    }

    @Test(
        "what cannot be searched or logged is refused",
        arguments: [
            (["--search", "0"], "expected a number of minutes"),
            (["--search", "1", "--find-learning-rate"], "choose one"),
            (["--logging-steps", "0"], "expected at least 1"),
        ])
    func wrongUsage(flags: [String], message: String) async throws {
        let result = try await graft.run(["finetune", "x", "--train", "y", "--dev", "z", "--output", "o"] + flags)
        #expect(result.status == 64 && result.errors.contains(message), "\(result.errors)")
    }

    @Test("the progress bar fits the terminal; without one there is none")
    func progress() async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        let data = try scratch.write(TinyModel.examples(64), to: "train.tsv")
        let command = "\(Graft.executable) finetune \(model) --train \(data) --epochs 3 --output \(scratch("out"))"
        let result = try await graft.shell("script -qec 'stty cols 44; \(command)' /dev/null")
        let bars = result.output.split(whereSeparator: { $0 == "\r" || $0 == "\n" || $0 == "\r\n" })
            .filter { $0.contains("█") || $0.contains("░") }
        #expect(!bars.isEmpty, "\(result.output) \(result.errors)")
        #expect(bars.allSatisfy { $0.replacing("\u{1B}[K", with: "").count < 44 }, "\(bars)")
        let plain = try await train("plain")
        #expect(!plain.errors.contains("█") && !plain.errors.contains("\r"))
    }
}
