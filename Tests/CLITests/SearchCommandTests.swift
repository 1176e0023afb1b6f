import JSON
import SystemPackage
import TestSupport
import Testing

@Suite("graft index, search, cluster and duplicates")
struct SearchCommandTests {
    private let scratch: TemporaryDirectory
    private var graft = Graft()
    private let model: String

    init() throws {
        scratch = try TemporaryDirectory()
        graft.environment = ["HF_HOME": scratch("hf").string, "HF_HUB_CACHE": ""]
        model = try TinyModel.make(in: scratch, named: "m").string
    }

    private static let texts = [
        "good film", "bad plot", "the film was fine", "not very warm", "a cold plot", "good film", "dull",
        "very good film!",
    ]

    private func index(_ options: String..., lines: [String] = texts, name: String = "i") async throws -> Graft.Outcome
    {
        try await graft.run(
            ["index", model, scratch(name).string] + options, input: Array(lines.joined(separator: "\n").utf8))
    }

    private func records(_ text: String) throws -> [JSON] {
        try text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
    }

    private func hits(_ record: JSON) -> [JSON] { record["hits"]?.array ?? [] }

    @Test("an index is made, searched, added to and searched again, as one that was made at once")
    func wholeWay() async throws {
        let made = try await index(lines: Array(Self.texts.prefix(5)))
        #expect(made.status == 0, "\(made.errors)")
        #expect(try records(made.output)[0]["count"] == .integer(5))
        let more = try scratch.write(Self.texts.dropFirst(5).joined(separator: "\n"), to: "more.txt").string
        let added = try await graft.run(["index", model, scratch("i").string, "--add", more])
        #expect(added.status == 0, "\(added.errors)")
        _ = try await index(name: "whole")
        let queries = Array("good film\ncold\n".utf8)
        let found = try await graft("search", scratch("i").string, "--top-k", "3", "--verify", input: queries)
        #expect(found.status == 0, "\(found.errors)")
        #expect(
            found.output == (try await graft("search", scratch("whole").string, "--top-k", "3", input: queries)).output)
        let lines = try records(found.output)
        #expect(lines.count == 2 && lines[1]["index"] == .integer(1))
        #expect(hits(lines[0]).map { $0["row"] }.prefix(2) == [.integer(0), .integer(5)])
        #expect(
            hits(lines[0])[1]["text"] == .string("good film")
                && abs((hits(lines[0])[0]["score"]?.number ?? 0) - 1) < 1e-5)
        let table = try await graft("search", scratch("i").string, "--format", "table", "--top-k", "1", input: queries)
        #expect(table.output.hasPrefix("good film\n  1.0000  good film\n\ncold\n"))
    }

    @Test("graphs and smaller copies find what comparing all vectors finds")
    func approximately() async throws {
        let exact = try await index(name: "exact")
        #expect(exact.status == 0)
        let queries = Array("good\nfilm\na plot, cold\n".utf8)
        let expected = try await graft("search", scratch("exact").string, input: queries).output
        for (name, options) in [
            ("graph", ["--graph", "--m", "4"]), ("int8", ["--quantize", "int8"]), ("binary", ["--quantize", "binary"]),
        ] {
            let made = try await graft.run(
                ["index", model, scratch(name).string] + options, input: Array(Self.texts.joined(separator: "\n").utf8))
            #expect(made.status == 0, "\(made.errors)")
            #expect(try await graft("search", scratch(name).string, input: queries).output == expected)
            #expect(try await graft("search", scratch(name).string, "--exact", input: queries).output == expected)
        }
    }

    @Test("identifiers, cut vectors and vectors without a model")
    func otherForms() async throws {
        let lines = ["{\"text\": \"good film\", \"id\": \"a1\"}", "{\"text\": \"bad\", \"id\": 7}", "plain"]
        let made = try await index("--json", "--dimensions", "12", "--similarity", "dot", lines: lines)
        #expect(made.status == 0 && made.output.contains("\"size\":12"), "\(made.errors)")
        let found = try records(await graft("search", scratch("i").string, input: Array("good film\n".utf8)).output)
        #expect(hits(found[0]).contains { $0["id"] == .string("a1") && $0["text"] == .string("good film") })
        #expect(hits(found[0]).count == 3)

        let input = try scratch.write(Self.texts.joined(separator: "\n"), to: "texts").string
        let vectors = scratch("v.npy").string
        _ = try await graft("embed", model, input, "--format", "npy", "--output", vectors)
        #expect(try await graft("index", "-", scratch("bare").string, "--vectors", vectors).status == 0)
        let bare = try records(await graft("search", scratch("bare").string, vectors, "--top-k", "1").output)
        #expect(bare.count == 8 && hits(bare[3])[0]["row"] == .integer(3) && hits(bare[3])[0]["text"] == nil)
        let texts = try await graft("search", scratch("bare").string, input: Array("good\n".utf8))
        #expect(
            texts.status == 1
                && texts.errors.contains("holds vectors of no model; search it with vectors (a .npy file)."))
        #expect(try await graft("index", model, scratch("both").string, input, "--vectors", vectors).status == 0)
        let both = try records(await graft("search", scratch("both").string, input: Array("dull\n".utf8)).output)
        #expect(hits(both[0])[0]["text"] == .string("dull"))
        let short = try scratch.write("one\n", to: "short").string
        let refused = try await graft("index", model, scratch("x").string, short, "--vectors", vectors)
        #expect(refused.status == 1 && refused.errors.contains("1 text for 8 vectors; expected one for each."))
        let other = try await graft("search", scratch("i").string, vectors)
        #expect(other.status == 1 && other.errors.contains("its vectors have 32 dimensions; expected 12."))
    }

    @Test("groups, k-means and duplicates of an index")
    func groups() async throws {
        let lines = (0..<24).map { ["good film", "a cold plot", "dull"][$0 % 3] + ($0 % 2 == 0 ? "" : "!") }
        _ = try await index(lines: lines)
        let communities = try records(
            await graft("cluster", scratch("i").string, "--min-size", "4", "--threshold", "0.999").output)
        #expect(communities.map { $0["size"] } == [JSON](repeating: .integer(4), count: 6))
        #expect(Set(communities[0]["texts"]?.array?.map { $0.string ?? "" } ?? []).count == 1)
        let means = try records(await graft("cluster", scratch("i").string, "--k", "6", "--texts", "1").output)
        #expect(
            means.count == 6 && means.allSatisfy { $0["rows"]?.array?.count == 4 && $0["texts"]?.array?.count == 1 })
        let pairs = try records(
            await graft("duplicates", scratch("i").string, "--threshold", "0.9999", "--max-pairs", "30").output)
        #expect(pairs.count == 30 && pairs.allSatisfy { $0["texts"]?.array?.first == $0["texts"]?.array?.last })
        let equal = try records(await graft("duplicates", scratch("i").string, "--exact").output)
        #expect(
            equal.count == 6 && equal[0]["rows"]?.integers == [0, 6, 12, 18]
                && equal[0]["texts"] == .array([.string("good film")]))
        let tooMany = try await graft("cluster", scratch("i").string, "--k", "25")
        #expect(tooMany.status == 64 && tooMany.errors.contains("--k is 25; the index has 24 vectors."))
    }

    @Test("queries that cannot be used are records; indexes that cannot are one line")
    func badInput() async throws {
        _ = try await index()
        let mixed = try await graft(
            "search", scratch("i").string, "--top-k", "1",
            input: Array("good\n".utf8) + [0xFF, 0x0A] + Array("bad\n".utf8))
        let lines = try records(mixed.output)
        #expect(mixed.status == 1 && lines.count == 3 && lines[2]["index"] == .integer(2))
        #expect(lines[1]["error"] == .string("line 2 is not valid UTF-8 at byte 0"))

        let empty = try await index(lines: [], name: "empty")
        #expect(empty.status == 1 && empty.errors.contains("the input has no text or vector to make an index of"))
        let invalid = try await graft("index", model, scratch("bad").string, input: [0x61, 0x0A, 0xFF, 0x0A])
        #expect(invalid.status == 1 && invalid.errors.contains("standard input: line 2 is not valid UTF-8 at byte 0"))
        #expect(!scratch.names.contains("bad") && !scratch.names.contains("empty"))
        let again = try await index()
        #expect(again.status == 1 && again.errors.contains("exists already"))

        let other = try TinyModel.make("tiny-bert-gelu-classifier", in: scratch, named: "other").string
        for arguments in [
            ["search", scratch("i").string, "--model", other], ["index", other, scratch("i").string, "--add"],
        ] {
            let refused = try await graft.run(arguments, input: Array("good\n".utf8))
            #expect(
                refused.status == 1 && refused.errors.contains("was made with weights of the SHA-256"),
                "\(refused.errors)")
        }
        var bytes = try #require(contents(of: scratch("i/vectors.f32")))
        bytes[70] ^= 1
        try scratch.write(bytes, to: "i/vectors.f32")
        let tampered = try await graft("search", scratch("i").string, input: Array("good\n".utf8))
        #expect(
            tampered.status == 1
                && tampered.errors.contains("vectors.f32: its content is not what was written (SHA-256)."))
        try scratch.write(Array(bytes.dropLast(40)), to: "i/vectors.f32")
        let cut = try await graft("cluster", scratch("i").string)
        #expect(cut.status == 1 && cut.errors.contains("has 984 bytes; the index calls for 1024"))
        #expect(
            try await graft("search", scratch("nowhere").string, input: []).errors.contains(
                "index.json: no such file; it holds the description of an index, which graft index writes. Check the path"
            ))
        #expect(try await graft("index", "-", scratch("x").string).status == 64)
        let folder = try await graft("embed", model, scratch.path.string)
        #expect(folder.status == 1 && folder.errors.contains("\(scratch.path): cannot be read: Is a directory"))
        let vectors = Golden.directory("word-vectors").appending("vectors.txt")
        try await graft.shell(
            "printf 'w1\\nnothing\\n' | \(Graft.executable) vectors embed \(vectors) --format npy > \(scratch("zero.npy"))"
        )
        let zero = try await graft("index", "-", scratch("x").string, "--vectors", scratch("zero.npy").string)
        #expect(zero.status == 1 && zero.errors.contains("zero.npy: vector 1 (from 0) has no direction (all zeros)."))
        #expect(
            try await graft("index", model, scratch("x").string, "--similarity", "euclidean", "--quantize", "int8")
                .status == 64)
    }

    @Test("an addition keeps the graph's settings, and never drops texts")
    func additions() async throws {
        _ = try await index("--graph", "--m", "4", "--ef-construction", "30")
        let added = try await index("--add", "--graph", lines: ["one more"])
        #expect(added.status == 0, "\(added.errors)")
        func graph() throws -> JSON? {
            try JSON(parsing: try #require(contents(of: scratch("i/index.json"))))["graph"]
        }
        #expect(try graph()?["m"] == .integer(4) && graph()?["efConstruction"] == .integer(30))
        #expect(try await index("--add", "--graph", "--m", "5", lines: ["and more"]).status == 0)
        #expect(try graph()?["m"] == .integer(5) && graph()?["efConstruction"] == .integer(30))

        let vectors = scratch("v.npy").string
        let input = try scratch.write("good film\nbad plot\n", to: "texts").string
        _ = try await graft("embed", model, input, "--format", "npy", "--output", vectors)
        #expect(try await graft("index", model, scratch("bare").string, "--vectors", vectors).status == 0)
        for options in [[input], [input, "--vectors", vectors], ["-"], []] {
            let refused = try await graft.run(["index", model, scratch("bare").string, "--add"] + options)
            #expect(refused.status == 1 && refused.errors.contains("holds vectors without texts."), "\(options)")
        }
        let again = try await graft("index", model, scratch("bare").string, "--add", "--vectors", vectors)
        #expect(again.status == 0 && again.output.contains("\"count\":4"), "\(again.errors)")
    }

    @Test("options that would do nothing are refused; a length that the model cannot take is, too")
    func uselessOptions() async throws {
        _ = try await index("--max-length", "8")
        let npy = scratch("none.npy").string
        #expect(try await graft("embed", model, "--format", "npy", "--output", npy).status == 0)
        let path = scratch("i").string
        for arguments in [
            ["index", "-", scratch("x").string, "--vectors", npy, "--dimensions", "3"],
            ["search", path, npy, "--prompt-text", "q: "], ["search", path, npy, "--model", model],
            ["search", path, npy, "--json"], ["cluster", path, "--k", "2", "--threshold", "0.5"],
            ["cluster", path, "--k", "2", "--min-size", "3"], ["cluster", path, "--seed", "3"],
            ["duplicates", path, "--exact", "--threshold", "0.5"], ["duplicates", path, "--exact", "--top-k", "5"],
            ["search", path, npy, "--precision", "int8"], ["search", path, npy, "--bench", "--format", "table"],
            ["search", path, "--exact", "--ef", "100"], ["search", path, "--exact", "--rescore", "8"],
            ["index", model, scratch("x").string, "--vectors", npy, "--json"],
            ["index", model, scratch("x").string, "--vectors", npy, "--precision", "int8"],
            ["map", path, "--output", scratch("m.html").string, "--labels", npy, "--k", "3"],
        ] {
            #expect(try await graft.run(arguments).status == 64, "\(arguments)")
        }
        // What the index tells.
        _ = try await index("--graph", "--quantize", "int8", name: "graph")
        for (name, option, reason) in [
            ("i", "--ef", "--ef is for a graph; \(path) has none."), ("i", "--rescore", "\(path) has none."),
            ("graph", "--rescore", "is searched through its graph"),
        ] {
            let refused = try await graft("search", scratch(name).string, option, "8", input: Array("good\n".utf8))
            #expect(refused.status == 64 && refused.output.isEmpty && refused.errors.contains(reason))
            #expect(refused.errors.split(separator: "\n").count == 1, "\(refused.errors)")
        }
        let graph = try await graft("search", scratch("graph").string, "--ef", "8", input: Array("good\n".utf8))
        #expect(graph.status == 0, "\(graph.errors)")
        let bench = try await graft("search", path, npy, "--bench")
        #expect(bench.status == 1 && bench.errors.contains("none.npy: holds no query to be timed."))
        let text = String(decoding: try #require(contents(of: scratch("i/index.json"))), as: UTF8.self)
        for length in ["0", "2", "100000"] {
            try scratch.write(
                text.replacing("\"maxLength\": 8", with: "\"maxLength\": \(length)"), to: "i/index.json")
            let result = try await graft("search", path, input: Array("good\n".utf8))
            #expect(result.status == 1 && result.output.isEmpty, "\(length): \(result.errors)")
        }
    }
}
