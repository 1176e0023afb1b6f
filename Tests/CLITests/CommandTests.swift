import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Commands")
struct CommandTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
    }

    private func trained() async throws -> FilePath {
        let model = try TinyModel.make(in: scratch, named: "base")
        let train = try scratch.write(TinyModel.examples(96), to: "train.tsv")
        let dev = try scratch.write(TinyModel.examples(24), to: "dev.tsv")
        let result = try await graft(
            "finetune", model.string, "--train", train.string, "--dev", dev.string, "--output",
            scratch("classifier").string, "--epochs", "6", "--learning-rate", "3e-3", "--batch-size", "8")
        #expect(result.status == 0, "\(result.errors)")
        let line = try #require(result.output.split(separator: "\n").last)
        let record = try JSON(parsing: Array(line.utf8))
        #expect(record["output"] == .string(scratch("classifier").string))
        #expect((record["dev"]?["accuracy"]?.number ?? 0) > 0.9)
        #expect(record["peakMemoryMB"]?.integer ?? 0 > 0)
        return scratch("classifier")
    }

    @Test("the help of commands that take single texts promises no pairs")
    func pairsInHelp() async throws {
        for command in [["embed"], ["search"], ["tag"], ["vectors", "near"], ["vectors", "embed"]] {
            let help = try await graft.run(command + ["--help"])
            #expect(help.status == 0 && help.output.contains("--json") && !help.output.contains("text_pair"))
        }
        for command in ["classify", "tokenize"] {
            #expect(try await graft(command, "--help").output.contains("text_pair"))
        }
    }

    @Test("train, evaluate, classify, embed, tokenize, inspect: the whole way")
    func wholeWay() async throws {
        let classifier = try await trained()
        let evaluation = try await graft("evaluate", classifier.string, "--data", scratch("dev.tsv").string, "--json")
        let report = try JSON(parsing: Array(evaluation.output.utf8))
        #expect(report["examples"] == .integer(24) && (report["accuracy"]?.number ?? 0) > 0.9)
        let table = try await graft("evaluate", classifier.string, "--data", scratch("dev.tsv").string)
        #expect(table.output.contains("given \\ predicted") && table.output.hasPrefix("24 examples, accuracy "))

        let labels = try await graft(
            "classify", classifier.string, "--scores", input: Array("the film was good\nthe plot was dull".utf8))
        #expect(labels.status == 0)
        let records = try labels.output.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
        #expect(records.map { $0["label"] } == [.string("positive"), .string("negative")])
        #expect(records.map { $0["index"] } == [.integer(0), .integer(1)])

        let vectors = try await graft("embed", scratch("base").string, input: Array("good\n".utf8))
        #expect(try JSON(parsing: Array(vectors.output.utf8))["embedding"]?.array?.count == 32)
        let tokens = try await graft(
            "tokenize", scratch("base/vocab.txt").string, "--ids-only", input: Array("good\n".utf8))
        #expect(tokens.output == "{\"index\":0,\"ids\":[2,59,3]}\n")
        let summary = try await graft("inspect", classifier.string)
        #expect(
            summary.output.contains("labels        negative, positive") && summary.output.contains("model.safetensors"))
        let names = try JSON(
            parsing: Array(await graft("inspect", classifier.string, "--json", "--tensors").output.utf8))
        #expect(names["tensors"]?.array?.count == 41)
    }

    @Test("prompts stand before texts; static embeddings are inspected and embed as others do")
    func sentenceModels() async throws {
        func vector(_ name: String, _ text: String, _ options: String...) async throws -> String {
            let model = Golden.directory("modules/\(name)").string
            let result = try await graft.run(["embed", model] + options, input: Array("\(text)\n".utf8))
            #expect(result.status == 0, "\(result.errors)")
            return result.output
        }
        let query = try await vector("modes", "film", "--prompt", "query")
        #expect(try await vector("modes", "query: the film", "--prompt-text", "") == query)
        #expect(try await vector("modes", "film", "--prompt-text", "query: the ") == query)
        #expect(try await vector("modes", "film") != query)
        let unknown = try await graft("embed", Golden.directory("modules/modes").string, "--prompt", "x", input: [])
        #expect(unknown.status == 1 && unknown.errors.contains("it has document, none, passage, query."))
        #expect(try await graft("embed", "m", "--prompt", "x", "--prompt-text", "y", input: []).status == 64)

        #expect(try await vector("model2vec", "film").contains("\"tokens\":1,"))
        let table = Golden.directory("modules/static").string
        let summary = try JSON(parsing: Array(await graft("inspect", table, "--json").output.utf8))
        #expect(summary["architecture"] == .string("static") && summary["table"]?["vectors"] == .integer(71))
        #expect(
            summary["sentences"]?.array?.last == .string("normalized") && summary["prompts"]?["none"] == .string(""))
        let cells = try await graft(
            "bench", table, "--json", "--lengths", "5", "--batch-sizes", "2", "--rounds", "1", "--seconds", "0")
        #expect(cells.status == 0, "\(cells.errors)")
        let refused = try await graft("embed", table, "--pooling", "max", input: [])
        #expect(refused.status == 1 && refused.errors.contains("static embeddings have no pooling max"))
    }

    @Test("a converted model says its format as data and embeds the same")
    func conversion() async throws {
        let base = try TinyModel.make(in: scratch, named: "base").string
        let output = scratch("half").string
        let converted = try await graft("convert", base, output, "--dtype", "f16", "--max-shard-size", "10KB")
        #expect(converted.status == 0 && converted.output == output + "\n")
        let summary = try JSON(parsing: Array(await graft("inspect", output, "--json").output.utf8))
        #expect(summary["architecture"] == .string("bert") && summary["encoder"]?["hiddenSize"] == .integer(32))
        #expect(summary["tokenizer"]?["vocabularySize"] == .integer(120))
        #expect(summary["dataTypes"]?["F16"]?.integer == summary["tensorCount"]?.integer)
        #expect(summary["format"]?.string?.hasPrefix("safetensors in ") == true)
        func embedding(_ model: String) async throws -> [Double] {
            let output = try await graft("embed", model, input: Array("good\n".utf8)).output
            return try JSON(parsing: Array(output.utf8))["embedding"]?.array?.compactMap(\.number) ?? []
        }
        let (half, single) = try await (embedding(output), embedding(base))
        #expect(half.count == 32 && zip(half, single).allSatisfy { abs($0 - $1) < 0.01 })
        let again = try await graft("convert", base, output)
        #expect(again.status == 1 && again.errors.contains("exists already"))
    }

    @Test("words and their scripts need no model")
    func words() async throws {
        let lines =
            Array("Hi, мир p\u{430}y\n".utf8) + [0xFF, 0x0A] + Array("\n{\"text\":\"a\\u0000 ไทย\",\"id\":7}".utf8)
        let result = try await graft("tokenize", "--words", "--json", input: lines)
        #expect(result.status == 1)
        #expect(
            result.output == """
                {"index":0,"words":["Hi","мир","p\u{430}y"],"offsets":[[0,2],[4,7],[8,11]],\
                "scripts":["Latn","Cyrl","Latn+Cyrl"]}
                {"index":1,"error":"line 2 is not valid UTF-8 at byte 0"}
                {"index":2,"words":[],"offsets":[],"scripts":[]}
                {"index":3,"id":7,"words":["a","ไทย"],"offsets":[[0,1],[3,6]],"scripts":["Latn","Thai"]}

                """)
        try scratch.write("ein Wort", to: "words.txt")
        let file = try await graft("tokenize", "--words", scratch("words.txt").string)
        #expect(
            file.output == """
                {"index":0,"words":["ein","Wort"],"offsets":[[0,3],[4,8]],"scripts":["Latn","Latn"]}

                """)
        for arguments in [["--words", "a", "b"], ["--words", "--ids-only"], []] {
            let wrong = try await graft.run(["tokenize"] + arguments)
            #expect(wrong.status == 64, "\(arguments)")
        }
    }

    @Test("a NumPy file is the same through a pipe and into a file, and counts its rows")
    func numPy() async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        let lines = try scratch.write((0..<300).map { "film \($0 % 7)\n" }.joined(), to: "lines.txt")
        let command = "\(Graft.executable) embed \(model) --format npy \(lines)"
        try await graft.shell("\(command) > \(scratch("file.npy")) && \(command) | cat > \(scratch("pipe.npy"))")
        let vectors = try Golden.npy(scratch("file.npy"))
        #expect(vectors.shape == [300, 32])
        #expect(contents(of: scratch("file.npy")) == contents(of: scratch("pipe.npy")))
    }

    @Test("the doctor's self-test passes, with every engine that is installed", arguments: ["onednn", "openblas", ""])
    func doctor(engine: String) async throws {
        var graft = graft
        graft.environment["GRAFT_ENGINE"] = engine
        let result = try await graft("doctor")
        if result.errors.contains("cannot be loaded") { return }
        #expect(
            result.status == 0 && result.output.contains("self-test     passed"), "\(result.output)\(result.errors)")
    }

    @Test("the doctor times the encoder of a model that is named, and refuses one that is nowhere")
    func doctorWithModel() async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        let result = try await graft("doctor", model.string)
        #expect(result.status == 0, "\(result.errors)")
        let rows = result.output.split(separator: "\n").filter { $0.hasPrefix("f32 ") }
        #expect(rows.count == 1 && rows[0].contains("%"), "\(result.output)")
        let absent = try await graft("doctor", "nowhere")
        #expect(absent.status == 1 && absent.errors.contains("nowhere: neither a directory nor a model in the store"))
    }

    @Test("bench measures every precision, length and batch size, as a table and as a record")
    func bench() async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        let quick = ["bench", model.string, "--rounds", "2", "--seconds", "0.01"]
        let table = try await graft.run(quick)
        #expect(table.status == 0, "\(table.errors)")
        // The model takes 24 tokens, so that the lengths are 13 and 24.
        let rows = table.output.split(separator: "\n").filter { $0.hasSuffix("%") }.map {
            $0.split(separator: " ").prefix(3).joined(separator: " ")
        }
        let cells = ["13 1", "13 32", "24 1", "24 32"]
        #expect(rows == Precision.available.flatMap { precision in cells.map { "\(precision.rawValue) \($0)" } })

        let json = try await graft.run(
            quick + ["--json", "--precision", "f32", "--lengths", "5,7", "--lengths", "9", "--batch-sizes", "2"])
        let record = try JSON(parsing: Array(json.output.utf8))
        #expect(record["cells"]?.array?.compactMap { $0["length"]?.integer } == [5, 7, 9])
        for cell in record["cells"]?.array ?? [] {
            #expect(cell["precision"] == .string("f32") && cell["batchSize"] == .integer(2))
            let names = ["millisecondsPerBatch", "sentencesPerSecond", "tokensPerSecond", "shareOfEngine"]
            for name in names { #expect(cell[name]?.number ?? 0 > 0, "\(name)") }
        }
    }

    @Test("bench says which precisions the engine refuses; one that was asked for is an error")
    func benchRefusal() async throws {
        var graft = graft
        graft.environment["GRAFT_ENGINE"] = "openblas"
        let model = try TinyModel.make(in: scratch, named: "base")
        let quick = ["bench", model.string, "--rounds", "1", "--seconds", "0", "--lengths", "5"]
        let result = try await graft.run(quick)
        if result.errors.contains("cannot be loaded") { return }
        #expect(result.status == 0 && result.output.contains("refused       bf16 needs the oneDNN engine"))
        let record = try JSON(parsing: Array(await graft.run(quick + ["--json"]).output.utf8))
        #expect(record["refused"]?["int8"]?.string?.contains("oneDNN") == true)
        let asked = try await graft.run(quick + ["--precision", "f32,bf16"])
        #expect(asked.status == 1 && asked.errors.contains("--precision bf16 needs") && asked.output == "")
    }

    @Test("bench refuses lengths that the model does not take")
    func benchLength() async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        let result = try await graft("bench", model.string, "--lengths", "13,25")
        #expect(result.status == 64 && result.errors.contains("--lengths has 25; the model takes 24 tokens at most"))
    }

    @Test("a reader that goes away ends the program quietly")
    func closedPipe() async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        let lines = try scratch.write(String(repeating: "the film was good\n", count: 20_000), to: "lines.txt")
        let result = try await graft.shell("\(Graft.executable) tokenize \(model) \(lines) | head -n 1")
        #expect(result.errors == "" && result.output.split(separator: "\n").count == 1)
    }

    static let signals = [("INT", "130"), ("TERM", "143")]

    @Test("Ctrl-C and SIGTERM end a stream that waits for input, after whole records", arguments: signals)
    func interruption(signal: String, status: String) async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        let script = """
            mkfifo \(scratch("in")); \(Graft.executable) tokenize \(model) --ids-only < \(scratch("in")) > \(scratch("out")) &
            exec 3> \(scratch("in")); echo good >&3
            for i in $(seq 100); do [ -s \(scratch("out")) ] && break; sleep 0.1; done
            kill -\(signal) $!; wait $!; echo $?; wc -l < \(scratch("out"))
            """
        // A shell's background jobs ignore Ctrl-C unless it manages jobs.
        let result = try await graft.run(["-m", "-c", script], program: "/bin/bash")
        #expect(
            result.output.split(whereSeparator: \.isWhitespace).map(String.init) == [status, "1"], "\(result.errors)")
    }

    @Test("Ctrl-C and SIGTERM end a conversion, which leaves nothing", arguments: signals)
    func interruptedConversion(signal: String, status: String) async throws {
        try scratch.write("{}", to: "base/config.json")
        let (count, size) = (128, 2 << 20)
        let entries = (0..<count).map { index in
            "\"\(index)\":{\"dtype\":\"F32\",\"shape\":[\(size / 4)],\"data_offsets\":[\(index * size),\((index + 1) * size)]}"
        }
        let header = Array("{\(entries.joined(separator: ","))}".utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
        let weights = try scratch.write(length + header, to: "base/model.safetensors")
        let script = """
            truncate -s \(8 + header.count + count * size) \(weights)
            \(Graft.executable) convert \(scratch("base")) \(scratch("out")) --dtype f16 &
            until ls -d \(scratch(""))/.out.partial-*/.model* > /dev/null 2>&1 || ! kill -0 $!; do :; done
            kill -\(signal) $!; wait $!; echo $?
            """
        let result = try await graft.run(["-m", "-c", script], program: "/bin/bash")
        #expect(result.output == status + "\n", "\(result.errors)")
        #expect(scratch.names == ["base"])
    }

    @Test("control characters in a model's files do not reach the terminal")
    func controlCharacters() async throws {
        try scratch.write(#"{"model_type":"x\u001b]0;t\u0007"}"#, to: "base/config.json")
        let name = "w\u{1B}[2J\u{9B}1m\n"
        try SafeTensors.write([(name, Tensor([1], [1]))], to: scratch("base/model.safetensors"))
        try scratch.write("x", to: "base/a\u{1B}[1m")
        let text = try await graft("inspect", scratch("base").string, "--tensors")
        #expect(text.status == 0, "\(text.errors)")
        let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control && scalar != "\n" }
        #expect(!text.output.unicodeScalars.contains(where: isControl))
        #expect(text.output.contains(#"w\u{1B}[2J\u{009B}1m\n   F32"#), "\(text.output)")
        #expect(text.output.contains(#"x\u{1B}]0;t\u{07}"#) && text.output.contains(#"a\u{1B}[1m"#), "\(text.output)")
        let error = try await graft("embed", scratch("base").string, input: [])
        #expect(error.status == 1 && error.errors.contains(#"model_type "x\u{1B}]0;t\u{07}" is not supported"#))
        #expect(!error.errors.unicodeScalars.contains(where: isControl))
        let json = try await graft("inspect", scratch("base").string, "--json", "--tensors")
        #expect(try JSON(parsing: Array(json.output.utf8))["tensors"]?.array?.first?["name"] == .string(name))
    }

    @Test("a lone line is answered while the pipe stays open")
    func loneLine() async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        // The second line is sent only after the first answer has come.
        let script = """
            mkfifo \(scratch("in")); \(Graft.executable) tokenize \(model) --ids-only < \(scratch("in")) > \(scratch("out")) &
            exec 3> \(scratch("in")); echo good >&3
            for i in $(seq 100); do [ -s \(scratch("out")) ] && break; sleep 0.1; done
            wc -l < \(scratch("out")); echo bad >&3; exec 3>&-; wait; wc -l < \(scratch("out"))
            """
        #expect(try await graft.shell(script).output.split(whereSeparator: \.isWhitespace) == ["1", "2"])
    }
}
