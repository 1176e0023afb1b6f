import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("graft vectors")
struct VectorsCommandTests {
    private static let directory = Golden.directory("word-vectors")
    private let scratch: TemporaryDirectory
    private let graft = Graft()
    init() throws { scratch = try TemporaryDirectory() }

    private func records(_ output: String) throws -> [JSON] {
        try output.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
    }

    @Test("near: a record a line, how a word was found, unknown words as errors, exit status 1")
    func near() async throws {
        let file = Self.directory.appending("vectors.txt").string
        let result = try await graft("vectors", "near", file, "--top-k", "2", input: Array("w1\nW9\nnothing\n".utf8))
        #expect(result.status == 1 && result.errors.contains("GloVe text, 68 words of 8 numbers"))
        let records = try records(result.output)
        #expect(records.count == 3 && records[0]["neighbors"]?.array?.count == 2)
        #expect(records[1]["foundBy"]?["W9"]?.string == "lowercase: w9")
        #expect(records[2]["error"]?.string == "line 3: there is no vector for \"nothing\"")
        let model = Self.directory.appending("skipgram.bin").string
        let subwords = try await graft("vectors", "near", model, input: Array("kings\n".utf8))
        #expect(try self.records(subwords.output)[0]["foundBy"]?["kings"]?.string == "subwords")
    }

    @Test("analogy: three words a line")
    func analogy() async throws {
        let file = Self.directory.appending("vectors.bin").string
        for method in ["add", "multiply"] {
            let result = try await graft(
                "vectors", "analogy", file, "--method", method, input: Array("Athens Greece Baghdad\na b\n".utf8))
            let records = try records(result.output)
            #expect(records[0]["neighbors"]?.array?.contains { $0["word"]?.string == "Iraq" } == true)
            let twice = try await graft(
                "vectors", "analogy", file, "--method", method, input: Array("W1 W1 w2\n".utf8))
            #expect(twice.status == 0 && twice.output.split(separator: "\"W1\":").count == 2, "\(twice.output)")
            #expect(records[1]["error"]?.string == "line 2 has 2 words; expected 3" && result.status == 1)
        }
    }

    @Test("evaluate: tables and a record; convert: the same vectors")
    func evaluateAndConvert() async throws {
        let output = scratch("v.gwv").string
        let converted = try await graft(
            "vectors", "convert", Self.directory.appending("vectors.bin").string, output)
        #expect(converted.status == 0 && converted.output.isEmpty)
        let written = contents(of: scratch("v.gwv"))
        let onto = try await graft("vectors", "convert", output, output, "--to", "word2vec")
        #expect(
            onto.status == 1
                && onto.errors
                    == "graft: error: \(output): exists already. Choose another output, or remove it first.\n"
        )
        #expect(written != nil && contents(of: scratch("v.gwv")) == written)
        let dash = try await graft("vectors", "convert", output, "-")
        #expect(dash.status == 64 && dash.errors.contains("OUTPUT is -; expected the name of a file"))
        let arguments = [
            "vectors", "evaluate", output, "--pairs", Self.directory.appending("pairs.tsv").string, "--analogies",
            Self.directory.appending("analogies.txt").string,
        ]
        let tables = try await graft.run(arguments)
        #expect(tables.status == 0 && tables.output.contains("capitals") && tables.output.contains("Spearman"))
        let record = try JSON(parsing: Array((try await graft.run(arguments + ["--json"])).output.utf8))
        #expect(record["pairs"]?.array?[0]["pairs"]?.integer == 40)
        #expect(record["analogies"]?.array?[0]["sections"]?.array?.last?["name"]?.string == "total")
        let pairs = try scratch.write("w1\tw2\t1\nno pair\nw3\tw4\t2\n", to: "pairs").string
        let partly = try await graft("vectors", "evaluate", output, "--pairs", pairs, "--json")
        #expect(partly.errors.contains("pairs: 1 line of another shape left out"))
        #expect(try records(partly.output)[0]["pairs"]?.array?[0]["skipped"]?.integer == 1)
        let nothing = try await graft("vectors", "evaluate", output)
        #expect(nothing.status == 64 && nothing.errors.contains("Give --pairs or --analogies"))
    }

    @Test("embed: records, an array, all lines together")
    func embed() async throws {
        let file = Self.directory.appending("vectors.txt").string
        let input = Array("w1 w2\nnothing\n".utf8) + [0xFF, 0x0A]
        for method in ["mean", "fasttext", "tf-idf", "sif"] {
            let result = try await graft("vectors", "embed", file, "--method", method, input: input)
            let records = try records(result.output)
            #expect(result.status == 1 && records.count == 3, "\(result.errors)")
            #expect(records[0]["words"]?.integer == 2 && records[0]["embedding"]?.array?.count == 8)
            #expect(records[1]["words"]?.integer == 0 && records[2]["error"]?.string?.contains("UTF-8") == true)
            let path = scratch("v.npy").string
            try await graft.shell(
                "printf 'w1 w2\\nw3\\n' | \(Graft.executable) vectors embed \(file) --method \(method) --format npy > \(path)"
            )
            #expect(try Golden.npy(scratch("v.npy")).shape.dimensions == [2, 8])
        }
    }

    @Test("train: the same bytes with one thread and with several, in every model")
    func train() async throws {
        let words = ["tree", "house", "river", "stone", "cloud", "field", "grass", "light"]
        var lines = ""
        for line in 0..<500 {
            for place in 0..<7 {
                let word = (line * 5 + place * place * line) % 8
                lines += words[word] + (place == 6 ? "\n" : " ")
            }
        }
        let text = try scratch.write(lines, to: "text.txt").string
        for model in ["skipgram", "cbow"] {
            var files: [[UInt8]?] = []
            for threads in ["1", "2", "3"] {
                let output = scratch("\(model)-\(threads)")
                let result = try await graft(
                    "vectors", "train", text, output.string, "--model", model, "--dimension", "12", "--buckets", "100",
                    "--threads", threads, "--to", "fasttext", "--seed", "5")
                #expect(result.status == 0, "\(result.errors)")
                let record = try records(result.output)[0]
                #expect(record["words"]?.integer == 9 && record["loss"]?.number != nil)
                files.append(contents(of: output))
            }
            #expect(files[0] != nil && files[1] == files[0] && files[2] == files[0])
        }
        let usage = try await graft("vectors", "train", text, scratch("x").string, "--min-letters", "9")
        #expect(usage.status == 64 && usage.errors.contains("--min-letters is 9"))
        let onto = try await graft("vectors", "train", text, text)
        #expect(onto.status == 1 && onto.errors.contains("text.txt: exists already"))
        #expect(contents(of: FilePath(text)) == Array(lines.utf8))
        #expect(try await graft("vectors", "train", text, "-").status == 64)
        let nowhere = try await graft("vectors", "train", text, scratch("no/x").string)
        #expect(nowhere.status == 1 && nowhere.errors.contains("no/x") && !nowhere.errors.contains("words,"))
        let rare = try await graft("vectors", "train", text, scratch("x").string, "--min-count", "100000")
        #expect(rare.status == 1 && rare.errors.contains("no word stands in it 100000 times"))
        #expect(!scratch.names.contains("x"))
    }

    @Test("a file that is none is one clear line")
    func badFile() async throws {
        let file = try scratch.write([0x1F, 0x8B, 8], to: "v.vec.gz")
        let result = try await graft("vectors", "near", file.string, input: Array("a\n".utf8))
        #expect(result.status == 1 && result.output.isEmpty)
        #expect(result.errors.hasPrefix("graft: error: \(file): gzip, expected word vectors"))
        #expect(result.errors.split(separator: "\n").count == 1)
    }
}
