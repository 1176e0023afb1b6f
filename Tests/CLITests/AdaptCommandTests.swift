import Checkpoints
import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("graft adapt")
struct AdaptCommandTests {
    private let scratch: TemporaryDirectory
    private let model: FilePath

    init() throws {
        scratch = try TemporaryDirectory()
        model = try TinyModel.make(in: scratch, named: "model")
    }

    private static let pairs =
        "anchor\tpositive\n"
        + (0..<24).map { index in
            "the film was \(["good", "bad", "fine"][index % 3]) \(["a", "b", "c", "d"][index / 6])\tplot \(Array("abcdefghij")[index % 10])\n"
        }.joined()

    private func adapt(_ arguments: String..., train: String = pairs) async throws -> Graft.Outcome {
        let file = try scratch.write(train, to: "train.tsv")
        return try await Graft().run(
            ["adapt", model.string, "--train", file.string, "--output", scratch("out").string, "--batch-size", "8"]
                + arguments)
    }

    @Test("a sentence encoder is trained, written and measured")
    func whole() async throws {
        let dev = try scratch.write(Self.pairs, to: "dev.tsv")
        let result = try await adapt("--loss", "mnr", "--dev", dev.string, "--epochs", "2", "--cached")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("text columns 'anchor', 'positive'"))
        let record = try JSON(parsing: Array(result.output.utf8))
        #expect(record["steps"]?.integer ?? 0 >= 6 && record["dev"]?["ndcgAt10"]?.number != nil)
        for name in [
            "modules.json", "1_Pooling/config.json", "config.json", "model.safetensors", "graft.json", "vocab.txt",
            "metrics.jsonl", "sentence_bert_config.json", "config_sentence_transformers.json", "README.md",
        ] {
            #expect(contents(of: scratch("out").appending(name)) != nil, "\(name)")
        }
        let card = String(decoding: try #require(contents(of: scratch("out/README.md"))), as: UTF8.self)
        #expect(card.hasPrefix("---\nlibrary_name: sentence-transformers\n") && card.contains("# out\n"))
        #expect(card.contains("examples of `dev.tsv`: NDCG@10 ") && card.contains("| loss | mnr |"))
        let embedded = try await Graft().run(["embed", scratch("out").string], input: Array("the film\n".utf8))
        #expect(embedded.status == 0)
        let measured = try await Graft().run(["evaluate", scratch("out").string, "--data", dev.string, "--json"])
        #expect(measured.status == 0, "\(measured.errors)")
        let metrics = try JSON(parsing: Array(measured.output.utf8))
        #expect(metrics["ndcgAt10"] == record["dev"]?["ndcgAt10"] && metrics["recallAt10"]?.number != nil)
        let cut = try await Graft().run(
            ["evaluate", scratch("out").string, "--data", dev.string, "--max-length", "3"])
        #expect(cut.status == 0 && cut.errors.contains("texts are longer than the model takes and cut"))
        for arguments in [["--positive-label", "1"], ["--text-columns", "anchor,anchor"]] {
            let refused = try await Graft().run(["evaluate", scratch("out").string, "--data", dev.string] + arguments)
            #expect(refused.status == 64, "\(refused.errors)")
        }
    }

    @Test(
        "what does not fit is said in one line",
        arguments: [
            (["--loss", "tsdae"], "expected one column of texts for --loss tsdae"),
            (["--loss", "cosent"], "expected pairs with scores for --loss cosent"),
            (["--loss", "mnr", "--text-columns", "anchor,other"], "no column named \"other\""),
            (["--loss", "mnr", "--dev", "nowhere.tsv"], "nowhere.tsv"),
        ])
    func failures(arguments: [String], expected: String) async throws {
        let file = try scratch.write(Self.pairs, to: "train.tsv")
        let result = try await Graft().run(
            ["adapt", model.string, "--train", file.string, "--output", scratch("out").string] + arguments)
        #expect(result.status == 1 && result.output.isEmpty)
        let lines = result.errors.split(separator: "\n")
        #expect(lines.last?.contains(expected) == true, "\(result.errors)")
        #expect(contents(of: scratch("out/modules.json")) == nil)
    }

    @Test(
        "options that do not go together are wrong usage",
        arguments: [
            ["--loss", "simcse", "--delete-ratio", "0.5"], ["--loss", "tsdae", "--delete-ratio", "1"],
            ["--loss", "tsdae", "--matryoshka", "8"], ["--loss", "tsdae", "--scale", "2"],
            ["--loss", "tsdae", "--teacher", "x"], ["--loss", "tsdae", "--mine-negatives", "2"],
            ["--loss", "cosine", "--scale", "3"], ["--loss", "mnr", "--margin", "1"], ["--loss", "distill"],
            ["--loss", "softmax", "--matryoshka", "8"], ["--loss", "mnr", "--matryoshka", "8,x"],
            ["--loss", "batch-hard", "--batch-size", "3"], ["--loss", "mnr", "--teacher", "x"], ["--loss", "other"],
            ["--loss", "mnr", "--matryoshka-weights", "1"], ["--loss", "mnr", "--precision", "int8"],
            ["--loss", "triplet", "--symmetric"], ["--loss", "mnr", "--patience", "2"],
            ["--loss", "mnr", "--matryoshka", "8,4", "--matryoshka-weights", "1,x,2"],
            ["--loss", "mnr", "--mine-negatives", "1", "--negative-range", "1-x-5"],
        ])
    func usage(arguments: [String]) async throws {
        let result = try await Graft().run(
            ["adapt", model.string, "--train", "x.tsv", "--output", scratch("out").string] + arguments)
        #expect(result.status == 64, "\(result.errors)")
    }

    @Test("a few examples make a classifier")
    func fewShot() async throws {
        try scratch.write(#"[{"path":"","type":"sentence_transformers.models.Transformer"}]"#, to: "model/modules.json")
        let train = try scratch.write(TinyModel.examples(12), to: "few.tsv")
        let arguments = [
            "finetune", model.string, "--method", "fewshot", "--train", train.string, "--output", scratch("few").string,
            "--learning-rate", "1e-3", "--epochs", "3",
        ]
        let result = try await Graft().run(arguments)
        #expect(result.status == 0, "\(result.errors)")
        let record = try JSON(parsing: #require(contents(of: scratch("few/graft.json"))))
        #expect(record["training"]?["method"]?.string == "fewshot")
        let measured = try await Graft().run(["evaluate", scratch("few").string, "--data", train.string, "--json"])
        #expect(try JSON(parsing: Array(measured.output.utf8))["accuracy"]?.number ?? 0 > 0.8)
        for option in [["--folds", "3"], ["--warmup", "3"], ["--l2-sp", "0.1"], ["--mixout", "0.5"]] {
            let refused = try await Graft().run(arguments + option)
            #expect(refused.status == 64 && refused.errors.contains("fewshot does not go with \(option[0])"))
        }
        #expect(
            try await Graft().run(["finetune", model.string, "--train", "x", "--output", "y", "--pairs", "unique"])
                .status == 64
        )
    }

    @Test("TSDAE learns from texts alone and writes the encoder without its decoder")
    func denoising() async throws {
        let texts =
            "text\n"
            + Self.pairs.split(separator: "\n").dropFirst().map { $0.split(separator: "\t")[0] + "\n" }.joined()
        let result = try await adapt("--loss", "tsdae", "--delete-ratio", "0.5", train: texts)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("24 examples of 1 text, loss tsdae"))
        let record = try JSON(parsing: #require(contents(of: scratch("out/graft.json"))))
        #expect(record["training"]?["delete_ratio"]?.number == 0.5)
        let names = try SafeTensors(scratch("out/model.safetensors")).entries.map(\.name)
        #expect(names.contains("embeddings.word_embeddings.weight"))
        #expect(!names.contains { $0.contains("crossattention") || $0.hasPrefix("cls.") })
        #expect(try await Graft().run(["embed", scratch("out").string], input: Array("the film\n".utf8)).status == 0)
    }

    @Test("a family whose layers cannot decode is refused before anything is read for it")
    func noDecoder() async throws {
        for name in ["config.json", "model.safetensors"] {
            try scratch.write(
                try #require(contents(of: Golden.directory("families/jina").appending(name))), to: "jina/\(name)")
        }
        try scratch.write(TinyModel.vocabulary.prefix(20).joined(separator: "\n") + "\n", to: "jina/vocab.txt")
        let file = try scratch.write("text\na film\n", to: "train.tsv")
        let result = try await Graft().run(
            [
                "adapt", scratch("jina").string, "--loss", "tsdae", "--train", file.string, "--output",
                scratch("out").string,
            ])
        #expect(result.status == 1)
        #expect(result.errors.contains("config.json: this model (model_type \"bert\") cannot be its own decoder"))
    }

    @Test("hard negatives are found for pairs")
    func hardNegatives() async throws {
        let result = try await adapt("--loss", "mnr", "--mine-negatives", "2", "--negative-range", "1-6")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.errors.contains("examples of 4 texts"))
        let file = try scratch.write(Self.pairs, to: "train.tsv")
        for arguments in [["--mine-negatives", "3", "--negative-range", "4-5"], ["--random-negatives"]] {
            let outcome = try await Graft().run(
                ["adapt", model.string, "--loss", "mnr", "--train", file.string, "--output", "o"] + arguments)
            #expect(outcome.status == 64)
        }
    }

    @Test("static embeddings are made of an encoder")
    func distill() async throws {
        let result = try await Graft().run(
            ["distill", model.string, "--static", "--dimensions", "8", "--output", scratch("fast").string])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try JSON(parsing: Array(result.output.utf8))["dimensions"]?.integer == 8)
        let embedded = try await Graft().run(["embed", scratch("fast").string], input: Array("the film\n".utf8))
        #expect(embedded.status == 0 && embedded.output.contains("\"tokens\":2"))
        #expect(try await Graft().run(["distill", model.string, "--output", "x"]).status == 64)
    }
}
