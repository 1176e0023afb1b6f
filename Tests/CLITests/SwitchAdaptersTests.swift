import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("graft classify --switch-adapters")
struct SwitchAdaptersTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
    }

    private func train(_ output: String, _ method: String, labels: (String, String)) async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        let text = TinyModel.examples(48).replacing("positive", with: labels.0).replacing("negative", with: labels.1)
        let file = try scratch.write(text, to: "\(output).tsv")
        let result = try await graft(
            "finetune", model.string, "--train", file.string, "--output", scratch(output).string, "--method", method,
            "--epochs", "2", "--batch-size", "8")
        #expect(result.status == 0, "\(result.errors)")
    }

    private func records(_ text: String) throws -> [JSON] {
        try text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
    }

    @Test("PEFT's and AdapterHub's adapters take turns, and the records are those of each alone, in order")
    func wholeWay() async throws {
        try await train("mood", "lora", labels: ("glad", "sad"))
        try await train("tone", "pfeiffer", labels: ("warm", "cold"))
        let (base, mood, tone) = (scratch("base").string, scratch("mood").string, scratch("tone").string)
        let texts = ["good", "bad plot", "the film was dull", "very warm", "fine!"]
        let adapters = ["tone", "mood", "mood", "tone", "mood"]
        let lines = zip(texts, adapters).map { "{\"text\":\"\($0)\",\"adapter\":\"\($1)\"}\n" }
        let switched = ["--switch-adapters", "--json", "--scores"]
        let result = try await graft.run(
            ["classify", base, "--adapter", mood, "--adapter", tone + "/"] + switched, input: Array(lines.joined().utf8)
        )
        #expect(result.status == 0, "\(result.errors)")
        let found = try records(result.output)
        try #require(found.count == texts.count)
        #expect(found.map { $0["adapter"]?.string } == adapters)
        for name in ["mood", "tone"] {
            let alone = try await graft(
                "classify", scratch(name).string, "--scores", input: Array(texts.joined(separator: "\n").utf8))
            let expected = try records(alone.output)
            try #require(expected.count == texts.count)
            for index in texts.indices where adapters[index] == name {
                #expect(found[index]["label"] == expected[index]["label"])
                let (a, b) = (found[index]["score"]?.number ?? 0, expected[index]["score"]?.number ?? 1)
                #expect(abs(a - b) < 1e-5)
            }
        }
        // An adapter's directory as the model is one of them.
        let beside = try await graft.run(
            ["classify", mood, "--adapter", tone] + switched, input: Array(lines.joined().utf8))
        #expect(beside.status == 0 && beside.output == result.output, "\(beside.errors)")
    }

    @Test("a line that names no adapter, or an unknown one, gets a record that says so, and the rest are answered")
    func unknownNames() async throws {
        try await train("mood", "lora", labels: ("glad", "sad"))
        let lines = [#"{"text":"good","adapter":"moods"}"#, #"{"text":"good"}"#, #"{"text":"good","adapter":"mood"}"#]
        let result = try await graft(
            "classify", scratch("base").string, "--adapter", scratch("mood").string + "/.", "--switch-adapters",
            "--json",
            input: Array((lines.joined(separator: "\n") + "\n").utf8))
        #expect(result.status == 1, "\(result.errors)")
        let errors = try records(result.output).map { $0["error"]?.string }
        #expect(
            errors == [
                "line 1: there is no adapter \"moods\"; expected mood", "line 2 has no \"adapter\"; expected mood", nil,
            ])
        // Two of one name cannot be told apart.
        try scratch.write("", to: "other/mood/none")
        let twice = try await graft(
            "classify", scratch("base").string, "--adapter", scratch("mood").string, "--adapter",
            scratch("other/mood").string, "--switch-adapters", "--json")
        #expect(twice.status == 64 && twice.errors.contains("two adapters are called mood"), "\(twice.errors)")
        // No number of labels a text is asked of single labels.
        let threshold = try await graft(
            "classify", scratch("base").string, "--adapter", scratch("mood").string, "--switch-adapters", "--json",
            "--threshold", "0.5")
        #expect(threshold.status == 64 && threshold.errors.contains("--threshold is for heads"), "\(threshold.errors)")
    }

    @Test(
        "wrong usage is refused before any work",
        arguments: [
            (["--switch-adapters", "--json"], "--switch-adapters needs adapters"),
            (["--switch-adapters", "--adapter", "a"], "--switch-adapters needs --json"),
            (
                ["--switch-adapters", "--json", "--adapter", "a", "--adapter", "b", "--adapter-mode", "average"],
                "--switch-adapters uses one adapter a line"
            ),
            (
                ["--switch-adapters", "--json", "--adapter", "a", "--adapter", "b", "--adapter-mode", "stack"],
                "--switch-adapters uses one adapter a line"
            ),
            (
                ["--switch-adapters", "--json", "--adapter", "mood", "--adapter", "./mood/"],
                "--adapter names ./mood/ twice; leave one out"
            ),
        ])
    func usage(flags: [String], message: String) async throws {
        let result = try await graft.run(["classify", "base"] + flags)
        #expect(result.status == 64 && result.errors.contains(message), "\(result.errors)")
    }
}
