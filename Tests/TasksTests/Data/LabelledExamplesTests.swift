import JSON
import SystemPackage
import Tasks
import Tensors
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
            "{\"text\":\"a\",\"label\":1}\n\n{\"label\":\"x\",\"text\":\"b\"}\n{\"text\":\"c\",\"label\":true}",
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
        #expect(try read("text\tlabel\na\t10\nb\t9\nc\t10\n", "d.tsv").labels(for: .singleLabel) == ["9", "10"])
        #expect(try read("text\tlabel\na\tb\nb\tB\nc\ta\n", "d.tsv").labels(for: .singleLabel) == ["B", "a", "b"])
        #expect(try read("text\tlabel\na\t1\nb\t01\nc\t+1\n", "d.tsv").labels(for: .singleLabel) == ["+1", "01", "1"])
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
                tsv, wanted: ["text", "sentence"], found: ["words", "label"], option: "--text-column")
        ) { try read("words\tlabel\na\tb\n", "d.tsv") }
        #expect(
            throws: CorpusError.missingColumn(tsv, wanted: ["y"], found: ["text", "label"], option: "--label-column")
        ) {
            try read("text\tlabel\na\tb\n", "d.tsv", LabelledExamples.Columns(label: "y"))
        }
        #expect(throws: CorpusError.wrongFieldCount(tsv, line: 3, found: 1, expected: 2)) {
            try read("text\tlabel\na\tb\nc\n", "d.tsv")
        }
        #expect(throws: CorpusError.emptyLabel(tsv, line: 2)) {
            try read("text\tlabel\na\t\n", "d.tsv").headLabels(for: .singleLabel)
        }
        #expect(throws: CorpusError.unterminatedQuote(directory("d.csv"), line: 2)) {
            try read("text,label\n\"a,b\nc,d\n", "d.csv")
        }
        #expect(throws: CorpusError.invalidJSON(directory("d.jsonl"), line: 2, JSONError(.endOfInput, at: 5))) {
            try read("{\"text\":\"a\",\"label\":1}\n{\"a\":", "d.jsonl")
        }
        #expect(
            throws: CorpusError.missingMember(
                directory("d.jsonl"), line: 2, wanted: ["label"], option: "--label-column")
        ) { try read("{\"text\":\"a\",\"label\":1}\n{\"text\":\"a\"}", "d.jsonl") }
        try directory.write(Array("text\tlabel\na\tb\nc".utf8) + [0xC3, 0x28] + Array("\tb\n".utf8), to: "d.tsv")
        #expect(throws: CorpusError.invalidUTF8(tsv, line: 3, byte: 1)) { try LabelledExamples(tsv) }
    }

    @Test("a label that the training data lacks is refused, with its line")
    func unknownLabel() throws {
        let dev = try read("text\tlabel\na\tx\nb\tz\n", "dev.tsv")
        #expect(throws: CorpusError.unknownLabel(dev.file, line: 3, label: "z", known: ["x", "y"])) {
            try dev.targets(["x", "y"], for: .singleLabel)
        }
        #expect(try dev.targets(["z", "x"], for: .singleLabel) == .classes([1, 0]))
    }
}

@Suite("Targets of LabelledExamples")
struct LabelledExamplesTargetsTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func read(_ text: String, _ name: String = "d.tsv") throws -> LabelledExamples {
        try LabelledExamples(directory.write(text, to: name))
    }

    @Test(
        "the kind of problem is seen from the labels",
        arguments: [
            ("text\tlabel\na\tgood\nb\tbad\n", ProblemType.singleLabel),
            ("text\tlabel\na\t1\nb\t0\n", .singleLabel),
            ("text\tscore\na\t1.5\nb\t0\n", .regression),
            ("text\tlabels\na\tx,y\nb\tx\nc\ty\nd\t\n", .multiLabel),
            // Two names that hold a comma have more parts than there are names.
            ("text\tlabel\na\tParis, France\nb\tRome, Italy\n", .singleLabel),
        ])
    func likelyProblem(text: String, problem: ProblemType) throws {
        #expect(try read(text).likelyProblem == problem)
    }

    @Test("JSON arrays are sets of labels, of fractions several numbers")
    func arrays() throws {
        let sets = try read(
            #"{"text":"a","labels":["x, y","z"]}"# + "\n" + #"{"text":"b","labels":[]}"#, "sets.jsonl")
        #expect(sets.likelyProblem == .multiLabel && sets.labels(for: .multiLabel) == ["x, y", "z"])
        #expect(try sets.targets(["z", "x, y"], for: .multiLabel) == .labelSets(Tensor([2, 2], [1, 1, 0, 0])))
        let numbers = try read(
            #"{"text":"a","label":[1,2.5]}"# + "\n" + #"{"text":"b","label":[0,-1]}"#, "numbers.jsonl")
        #expect(numbers.likelyProblem == .regression)
        let labels = try numbers.headLabels(for: .regression)
        #expect(labels == ["LABEL_0", "LABEL_1"])
        #expect(try numbers.targets(labels, for: .regression) == .values(Tensor([2, 2], [1, 2.5, 0, -1])))
        #expect(throws: CorpusError.wrongValueCount(numbers.file, line: 1, found: 2, expected: 1)) {
            try numbers.targets(["LABEL_0"], for: .regression)
        }
    }

    @Test("sets of labels are split at the separator, blanks around it do not count")
    func sets() throws {
        let data = try read("text\tlabels\na\t joy , great surprise\nb\tjoy\nc\t\n")
        let labels = try data.headLabels(for: .multiLabel)
        #expect(labels == ["great surprise", "joy"])
        #expect(try data.targets(labels, for: .multiLabel) == .labelSets(Tensor([3, 2], [1, 1, 0, 1, 0, 0])))
        #expect(throws: CorpusError.unknownLabel(data.file, line: 2, label: "great surprise", known: ["joy"])) {
            try data.targets(["joy"], for: .multiLabel)
        }
        #expect(throws: CorpusError.noLabels(directory("none.tsv"))) {
            try read("text\tlabels\na\t\n", "none.tsv").headLabels(for: .multiLabel)
        }
    }

    @Test("what is no number is refused where numbers are learned, with its line")
    func numbers() throws {
        let data = try read("text\tscore\na\t1.5\nb\t3,5\n")
        #expect(throws: CorpusError.notANumber(data.file, line: 3, label: "3,5")) {
            try data.targets(["LABEL_0"], for: .regression)
        }
        #expect(throws: CorpusError.notANumber(directory("nan.tsv"), line: 2, label: "nan")) {
            try read("text\tscore\na\tnan\n", "nan.tsv").targets(["LABEL_0"], for: .regression)
        }
        // Beyond what the weights can hold.
        #expect(throws: CorpusError.notANumber(directory("large.tsv"), line: 2, label: "1e39")) {
            try read("text\tscore\na\t1e39\n", "large.tsv").targets(["LABEL_0"], for: .regression)
        }
    }
}
