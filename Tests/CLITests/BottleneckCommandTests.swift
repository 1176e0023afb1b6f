import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("Commands for bottleneck adapters")
struct BottleneckCommandTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
    }

    private func train(_ output: String, _ extra: String...) async throws -> Graft.Outcome {
        let model = try TinyModel.make(in: scratch, named: "base")
        let file = try scratch.write(TinyModel.examples(48), to: "train.tsv")
        return try await graft.run(
            ["finetune", model.string, "--train", file.string, "--dev", file.string]
                + ["--output", scratch(output).string, "--epochs", "2", "--batch-size", "8"] + extra)
    }

    private func scores(_ arguments: String...) async throws -> [Double] {
        let answer = try await graft.run(arguments + ["--scores"], input: Array("good\nbad\n".utf8))
        #expect(answer.status == 0, "\(answer.errors)")
        return try answer.output.split(separator: "\n").map {
            try JSON(parsing: Array($0.utf8))["scores"]?["positive"]?.number ?? -1
        }
    }

    @Test("adapters are trained, inspected, used, put together and fused")
    func wholeWay() async throws {
        let first = try await train(
            "first", "--method", "pfeiffer", "--reduction-factor", "4", "--adapter-name", "first", "--adapter-drop")
        #expect(first.status == 0, "\(first.errors)")
        let second = try await train(
            "second", "--method", "houlsby", "--leave-out", "0", "--adapter-name", "second")
        #expect(second.status == 0, "\(second.errors)")
        let (a, b) = (scratch("first").string, scratch("second").string)
        let inspected = try await graft("inspect", a)
        #expect(
            inspected.status == 0 && inspected.output.contains("AdapterHub"), "\(inspected.output)\(inspected.errors)")
        let alone = try await scores("classify", a)
        #expect(try await scores("classify", scratch("base").string, "--adapter", a) == alone)
        let stack = try await scores("classify", a, "--adapter", b)
        let average = try await scores(
            "classify", scratch("base").string, "--adapter", a, "--adapter", b, "--adapter-mode", "average",
            "--adapter-weights", "1,3")
        #expect(alone.count == 2 && stack != alone && average != stack)
        let vectors = try await graft("embed", a, input: Array("good\n".utf8))
        #expect(vectors.status == 0, "\(vectors.errors)")
        let measured = try await graft("evaluate", a, "--data", scratch("train.tsv").string, "--json")
        #expect(measured.status == 0, "\(measured.errors)")
        let mixed = try await train("mixed", "--method", "fusion", "--adapters", "\(a),\(b)")
        #expect(mixed.status == 1 && mixed.errors.contains("stand at different places"), "\(mixed.errors)")
        let third = try await train("third", "--method", "pfeiffer", "--adapter-name", "third")
        #expect(third.status == 0, "\(third.errors)")
        let fused = try await train("fused", "--method", "fusion", "--adapters", "\(a),\(scratch("third").string)")
        #expect(fused.status == 0, "\(fused.errors)")
        #expect(try await scores("classify", scratch("fused").string).count == 2)
        for (name, call) in [("third", "model.load_adapter("), ("fused", "model.load_adapter_setup(")] {
            let card = String(decoding: try #require(contents(of: scratch("\(name)/README.md"))), as: UTF8.self)
            #expect(card.contains("library_name: adapter-transformers\n") && card.contains(call), "\(card)")
        }
    }

    @Test(
        "wrong usage is refused before any work",
        arguments: [
            (["--method", "pfeiffer", "--reduction-factor", "0"], "--reduction-factor is 0.0"),
            (["--reduction-factor", "4"], "--reduction-factor is for bottleneck adapters, not for --method full."),
            (["--method", "lora", "--adapter-name", "a"], "--adapter-name is for bottleneck adapters"),
            (["--method", "lora", "--leave-out", "0"], "--leave-out is for bottleneck adapters"),
            (["--method", "houlsby", "--leave-out", "0,x"], "--leave-out is 0,x; expected numbers of layers"),
            (["--method", "pfeiffer", "--adapter-name", "a.b"], "--adapter-name is \"a.b\""),
            (["--method", "fusion"], "--method fusion needs two adapters or more"),
            (["--method", "fusion", "--adapters", "a,b,x/../a"], "--adapters names x/../a twice"),
            (["--adapters", "a,b"], "--adapters is for --method fusion."),
            (["--adapter-drop"], "--adapter-drop is for bottleneck adapters, not for --method full."),
        ])
    func usage(flags: [String], message: String) async throws {
        let result = try await graft.run(
            ["finetune", "base", "--train", "train.tsv", "--output", scratch("out").string] + flags)
        #expect(result.status == 64 && result.errors.contains(message), "\(result.errors)")
    }

    @Test(
        "modes that do not fit are refused",
        arguments: [
            (["--adapter", "a", "--adapter-mode", "average"], "--adapter-mode average needs several adapters"),
            (["--adapter", "a", "--adapter", "b", "--adapter-weights", "1,2"], "--adapter-weights is for"),
            (["--adapter", "a", "--adapter", "a/", "--adapter-mode", "fuse"], "--adapter names a/ twice"),
            (
                ["--adapter", "a", "--adapter", "b", "--adapter-mode", "average", "--adapter-weights", "1"],
                "expected a number of at least 0 for each of 2 adapters"
            ),
        ])
    func modes(flags: [String], message: String) async throws {
        let result = try await graft.run(["classify", "base"] + flags)
        #expect(result.status == 64 && result.errors.contains(message), "\(result.errors)")
    }
}
