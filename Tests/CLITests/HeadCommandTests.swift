import Checkpoints
import JSON
import SystemPackage
import TestSupport
import Testing

/// What every kind of head does on the command line.
@Suite("Commands for heads")
struct HeadCommandTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
    }

    private func pipeline(_ name: String) -> String { Golden.directory("pipelines").appending(name).string }

    private func record(_ arguments: String..., input: String) async throws -> JSON {
        let result = try await graft.run(arguments, input: Array(input.utf8))
        #expect(result.status == 0, "\(result.errors)")
        return try JSON(parsing: Array(result.output.utf8))
    }

    private func train(_ data: String, _ extra: String...) async throws -> Graft.Outcome {
        let model = try TinyModel.make(in: scratch, named: "base")
        let file = try scratch.write(data, to: "train.tsv")
        return try await graft.run(
            ["finetune", model.string, "--train", file.string, "--dev", file.string, "--output", scratch("out").string]
                + ["--epochs", "2", "--batch-size", "8"] + extra)
    }

    @Test("numbers: trained, measured, given")
    func regression() async throws {
        let rows = (0..<16).map { "the film was \($0 % 2 == 0 ? "good" : "bad")\t\($0 % 2 == 0 ? "1.5" : "-1")\n" }
        let result = try await train("text\tscore\n" + rows.joined())
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("a number each by the look of the labels"), "\(result.errors)")
        #expect(result.errors.contains("dev Pearson "), "\(result.errors)")
        let summary = try JSON(parsing: Array(result.output.split(separator: "\n").last!.utf8))
        #expect(summary["dev"]?["mse"]?.number != nil && summary["dev"]?["spearman"]?.number != nil)
        let report = try await record(
            "evaluate", scratch("out").string, "--data", scratch("train.tsv").string, "--json", input: "")
        #expect(report["examples"] == .integer(16) && report["pearson"] == summary["dev"]?["pearson"])
        let answer = try await record("classify", scratch("out").string, input: "good")
        #expect(answer["value"]?.number != nil && answer["label"] == nil)
        let table = try await graft("evaluate", scratch("out").string, "--data", scratch("train.tsv").string)
        #expect(table.output.hasPrefix("16 examples, Pearson "))
        let threshold = try await graft("classify", scratch("out").string, "--threshold", "0.3")
        #expect(threshold.status == 64 && threshold.errors.contains("this one's is regression"))
    }

    @Test("sets of labels: trained, measured, given from a threshold on")
    func multiLabel() async throws {
        let rows = (0..<16).map { "the \($0 % 2 == 0 ? "film" : "plot") \($0)\t\(["a,b", "b", "", "c;a"][$0 % 4])\n" }
        let result = try await train(
            "text\tlabel\n" + rows.joined().replacing(";", with: ","), "--problem-type", "multi_label_classification")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("any of 3 labels each, method"), "\(result.errors)")
        let model = scratch("out").string
        let report = try await record("evaluate", model, "--data", scratch("train.tsv").string, "--json", input: "")
        #expect(report["microF1"]?.number != nil && report["labels"]?.array?.count == 3)
        let none = try await record("classify", model, "--threshold", "1", input: "film")
        #expect(none["labels"] == .array([]) && none["scores"]?.object?.members.map { $0.key } == ["a", "b", "c"])
        let all = try await record("classify", model, "--threshold", "0", "--top-k", "2", input: "film")
        #expect(all["labels"]?.array?.count == 3)
        let scores = try #require(all["scores"]?.object).members.compactMap { $0.value.number }
        #expect(scores.count == 2 && scores[0] >= scores[1])
        let table = try await graft("evaluate", model, "--data", scratch("train.tsv").string, "--threshold", "0")
        #expect(table.output.contains("micro-F1 ") && table.output.contains("all labels together: precision"))
    }

    @Test("--problem-type wins over the look of the labels, and what does not fit is refused")
    func problemType() async throws {
        let wrong = try await train("text\tlabel\na\tgood\nb\tbad\n", "--problem-type", "regression")
        #expect(wrong.status == 1 && wrong.errors.contains("train.tsv:2: \"good\" is not a number"), "\(wrong.errors)")
        let unknown = try await train("text\tlabel\na\tgood\n", "--problem-type", "ranking")
        #expect(unknown.status == 64)
        let result = try await train(
            "text\tlabel\na\t1.5\nb\t2.5\nc\t1.5\nd\t2.5\n", "--problem-type", "single_label_classification")
        #expect(result.errors.contains("one of 2 labels each, method"), "\(result.errors)")
    }

    @Test("--top-k gives the best labels first")
    func topK() async throws {
        let model = try TinyModel.make("tiny-bert-gelu-classifier", in: scratch, named: "c")
        let best = try await record("classify", model.string, "--top-k", "2", input: "the film was good")
        let scores = try #require(best["scores"]?.object?.members)
        #expect(scores.count == 2 && best["label"] == .string(scores[0].key) && best["score"] == scores[0].value)
        for wrong in [["--top-k", "0"], ["--top-k", "1", "--scores"], ["--threshold", "2"]] {
            let result = try await graft.run(["classify", model.string] + wrong)
            #expect(result.status == 64, "\(wrong)")
        }
    }

    @Test("two texts with a tab between them are a pair")
    func pairs() async throws {
        let pair = try await record(
            "classify", pipeline("cross-encoder"), "--pairs", input: "the film was good\ta warm plot")
        let golden = try Golden.json(Golden.directory("pipelines").appending("cross-encoder"))["scores"]?.numbers
        #expect(abs((pair["score"]?.number ?? 0) - (golden?.first ?? 1)) < 1e-5)
        let object = try await record(
            "classify", pipeline("cross-encoder"), "--json",
            input: #"{"text":"the film was good","text_pair":"a warm plot"}"#)
        #expect(object == pair)
        let single = try await graft("classify", pipeline("cross-encoder"), "--pairs", input: Array("alone".utf8))
        #expect(
            single.status == 1 && single.output == "{\"index\":0,\"error\":\"line 1 has no tab between two texts\"}\n")
        let short = try await graft("classify", pipeline("cross-encoder"), "--pairs", "--max-length", "3")
        #expect(
            short.status == 64 && short.errors.contains("the special tokens of a pair alone are 3"), "\(short.errors)")
        let summary = try await graft("inspect", pipeline("cross-encoder"))
        #expect(summary.output.contains("regression, a cross-encoder"), "\(summary.output)\(summary.errors)")
    }

    @Test("tag gives entities, cut texts are said to be cut")
    func tag() async throws {
        let model = pipeline("tag-bert")
        let whole = try await record("tag", model, input: "The film was good, the plot was not!")
        let golden = try Golden.json(Golden.directory("pipelines").appending("tag-bert"))["simple"]?.array?.first
        #expect(whole["entities"]?.array?.map { $0["label"] } == golden?.array?.map { $0["label"] })
        #expect(whole["truncated"] == nil)
        let tokens = try await record(
            "tag", model, "--aggregation", "none", "--max-length", "4", input: "the film was good")
        #expect(tokens["truncated"] == .bool(true))
        #expect((tokens["entities"]?.array ?? []).allSatisfy { ($0["end"]?.integer ?? 99) <= 8 })
        let empty = try await record("tag", model, "--json", input: #"{"text":"","id":5}"#)
        #expect(empty["entities"] == .array([]) && empty["id"] == .integer(5))
        let long = try await graft("tag", model, "--max-length", "65")
        #expect(long.status == 64 && long.errors.contains("64"), "\(long.errors)")
    }

    @Test("fill gives words for masked places; a line without one is an error")
    func fill() async throws {
        let result = try await graft(
            "fill", pipeline("fill-bert"), "--top-k", "2", input: Array("a [MASK] plot\nno mask\n".utf8))
        #expect(result.status == 1)
        let records = try result.output.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        let place = try #require(records[0]["masks"]?.array?.first)
        #expect(place["start"] == .integer(2) && place["end"] == .integer(8) && place["tokens"]?.array?.count == 2)
        #expect(records[1]["error"] == .string("line 2 has no [MASK]"))
        let cut = try await graft(
            "fill", pipeline("fill-bert"), "--max-length", "4", input: Array("a plot of a [MASK] film\n".utf8))
        #expect(cut.status == 1 && cut.output.contains("line 1 has no [MASK] among its first 4 tokens"), "\(cut)")
        let none = try await graft("fill", pipeline("fill-bert"), "--top-k", "0")
        #expect(none.status == 64)
    }

    @Test("a head of the wrong kind is refused in one line that says what to use")
    func wrongHeads() async throws {
        let classifier = try TinyModel.make("tiny-bert-gelu-classifier", in: scratch, named: "c").string
        let bare = try TinyModel.make(in: scratch, named: "bare").string
        let (tag, fill) = (pipeline("tag-bert"), pipeline("fill-roberta"))
        for (verb, model, advice) in [
            ("classify", tag, "graft tag runs it as it is"), ("classify", fill, "graft fill runs it as it is"),
            ("tag", classifier, "graft classify runs it as it is"), ("tag", fill, "graft fill runs it as it is"),
            ("fill", classifier, "graft classify runs it as it is"), ("fill", tag, "graft tag runs it as it is"),
            ("tag", bare, "has no head"), ("fill", bare, "has no head"),
            ("classify", bare, "graft finetune makes a classifier of it."),
        ] {
            let result = try await graft(verb, model)
            #expect(result.status == 1 && result.output == "", "\(verb) \(model)")
            let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("graft: error: ") }
            #expect(lines.count == 1 && lines[0].contains(advice), "\(verb) \(model): \(result.errors)")
        }
    }
}
