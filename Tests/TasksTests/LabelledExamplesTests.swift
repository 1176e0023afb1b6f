import JSON
import SystemPackage
import Tasks
import TestSupport
import Testing

@Suite("LabelledExamples")
struct LabelledExamplesTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func read(_ text: String, _ name: String, _ columns: LabelledExamples.Columns = .init()) throws
        -> LabelledExamples
    {
        try LabelledExamples(directory.write(text, to: name), columns: columns)
    }

    @Test("TSV is split at tabs alone: quotes are characters, line ends may be Windows'")
    func tsv() throws {
        let data = try read("label\ttext\r\nx\t\"half\r\ny\ta, \"b\"\n\n", "d.tsv")
        #expect(data.texts == ["\"half", "a, \"b\""])
        #expect(data.examples.map(\.label) == ["x", "y"])
        #expect(data.examples.map(\.line) == [2, 3])
    }

    @Test("CSV fields may be quoted and hold commas, quotes and line breaks")
    func csv() throws {
        let data = try read("text,label\n\"a, \"\"b\"\"\nc\",x\nplain,\"y\"\n", "d.csv")
        #expect(data.texts == ["a, \"b\"\nc", "plain"])
        #expect(data.examples.map(\.label) == ["x", "y"])
        #expect(data.examples.map(\.line) == [2, 4])
    }

    @Test("JSON Lines may label with strings, numbers and booleans")
    func jsonLines() throws {
        let data = try read(
            "{\"text\":\"a\",\"label\":1}\n\n{\"label\":\"x\",\"sentence\":\"b\"}\n{\"text\":\"c\",\"label\":true}",
            "d.jsonl")
        #expect(data.texts == ["a", "b", "c"])
        #expect(data.examples.map(\.label) == ["1", "x", "true"])
        #expect(data.examples.map(\.line) == [1, 3, 4])
    }

    @Test("GLUE's sentence column is found, and columns can be named")
    func columns() throws {
        #expect(try read("sentence\tlabel\na\t0\n", "d.tsv").texts == ["a"])
        let named = try read(
            "a\tb\tc\n1\t2\t3\n", "d.tsv", LabelledExamples.Columns(text: "b", pair: "a", label: "c"))
        let example = named.examples[0]
        #expect(example.text == "2" && example.pair == "1" && example.label == "3" && example.line == 2)
    }

    @Test("labels are sorted: integers by value, others by their bytes")
    func labels() throws {
        #expect(try read("text\tlabel\na\t10\nb\t9\nc\t10\n", "d.tsv").labels == ["9", "10"])
        #expect(try read("text\tlabel\na\tb\nb\tB\nc\ta\n", "d.tsv").labels == ["B", "a", "b"])
        #expect(try read("text\tlabel\na\t1\nb\t01\nc\t+1\n", "d.tsv").labels == ["+1", "01", "1"])
    }

    @Test("what is wrong with a file is refused, with its line")
    func failures() throws {
        let tsv = directory("d.tsv")
        #expect(throws: CorpusError.unreadable(directory("none.tsv"), .noSuchFileOrDirectory)) {
            try LabelledExamples(directory("none.tsv"))
        }
        #expect(throws: CorpusError.noExamples(tsv)) { try read("", "d.tsv") }
        #expect(throws: CorpusError.noExamples(tsv)) { try read("text\tlabel\n\n", "d.tsv") }
        #expect(
            throws: CorpusError.missingColumn(
                tsv, wanted: ["text", "sentence"], found: ["review", "label"], option: "--text-column")
        ) { try read("review\tlabel\na\tb\n", "d.tsv") }
        #expect(
            throws: CorpusError.missingColumn(tsv, wanted: ["y"], found: ["text", "label"], option: "--label-column")
        ) {
            try read("text\tlabel\na\tb\n", "d.tsv", LabelledExamples.Columns(label: "y"))
        }
        #expect(throws: CorpusError.wrongFieldCount(tsv, line: 3, found: 1, expected: 2)) {
            try read("text\tlabel\na\tb\nc\n", "d.tsv")
        }
        #expect(throws: CorpusError.emptyLabel(tsv, line: 2)) { try read("text\tlabel\na\t\n", "d.tsv") }
        #expect(throws: CorpusError.unterminatedQuote(directory("d.csv"), line: 2)) {
            try read("text,label\n\"a,b\nc,d\n", "d.csv")
        }
        #expect(throws: CorpusError.invalidJSON(directory("d.jsonl"), line: 2, JSONError(.endOfInput, at: 5))) {
            try read("{\"text\":\"a\",\"label\":1}\n{\"a\":", "d.jsonl")
        }
        #expect(
            throws: CorpusError.missingMember(
                directory("d.jsonl"), line: 1, wanted: ["label"], option: "--label-column")
        ) { try read("{\"text\":\"a\"}", "d.jsonl") }
        try directory.write(Array("text\tlabel\na\tb\nc".utf8) + [0xC3, 0x28] + Array("\tb\n".utf8), to: "d.tsv")
        #expect(throws: CorpusError.invalidUTF8(tsv, line: 3, byte: 1)) { try LabelledExamples(tsv) }
    }

    @Test("a label that the training data lacks is refused, with its line")
    func unknownLabel() throws {
        let dev = try read("text\tlabel\na\tx\nb\tz\n", "dev.tsv")
        #expect(throws: CorpusError.unknownLabel(dev.file, line: 3, label: "z", known: ["x", "y"])) {
            try dev.targets(["x", "y"])
        }
        #expect(try dev.targets(["z", "x"]) == [1, 0])
    }
}
