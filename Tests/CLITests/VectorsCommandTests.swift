import JSON
import SystemPackage
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
            #expect(records[1]["error"]?.string == "line 2 has 2 words; expected 3" && result.status == 1)
        }
    }

    @Test("evaluate: tables and a record; convert: the same vectors")
    func evaluateAndConvert() async throws {
        let output = scratch("v.gwv").string
        let converted = try await graft(
            "vectors", "convert", Self.directory.appending("vectors.bin").string, output)
        #expect(converted.status == 0 && converted.output.isEmpty)
        let arguments = [
            "vectors", "evaluate", output, "--pairs", Self.directory.appending("pairs.tsv").string, "--analogies",
            Self.directory.appending("analogies.txt").string,
        ]
        let tables = try await graft.run(arguments)
        #expect(tables.status == 0 && tables.output.contains("capitals") && tables.output.contains("Spearman"))
        let record = try JSON(parsing: Array((try await graft.run(arguments + ["--json"])).output.utf8))
        #expect(record["pairs"]?.array?[0]["pairs"]?.integer == 40)
        #expect(record["analogies"]?.array?[0]["sections"]?.array?.last?["name"]?.string == "total")
        let nothing = try await graft("vectors", "evaluate", output)
        #expect(nothing.status == 64 && nothing.errors.contains("Give --pairs or --analogies"))
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
