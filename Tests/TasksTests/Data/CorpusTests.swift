import Glibc
import JSON
import SystemPackage
import Tasks
import TestSupport
import Testing

@Suite("Corpus")
struct CorpusTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func read(
        _ text: String, _ name: String, _ columns: LabelledExamples.Columns = .init()
    ) throws -> LabelledExamples {
        try LabelledExamples(directory.write(text, to: name), columns: columns)
    }

    @Test(
        "format, columns and header are found by the content, whatever the name's ending",
        arguments: [
            ("text\tlabel\na, b\tx\nc, d\ty\n", "TSV, text column 'text', label column 'label'"),
            ("text,label\n\"a, b\",x\nc,y\n", "CSV, text column 'text', label column 'label'"),
            ("label;review\nx;a, b\ny;c, d\n", "CSV with \";\", text column 'review', label column 'label'"),
            ("Text|Sentiment\na|x\nb|y\n", "CSV with \"|\", text column 'Text', label column 'Sentiment'"),
            ("{\"text\":\"a\",\"label\":1}\n", "JSON Lines, text column 'text', label column 'label'"),
            (" [ {\"text\":\"a\",\"stars\":1} ]", "a JSON array, text column 'text', label column 'stars'"),
            (
                "[\n{\"text\":\"a\",\"label\":1},\n{\"text\":\"b\",\"label\":2}\n]\n",
                "a JSON array, text column 'text', label column 'label'"
            ),
            ("__label__x a b\n__label__y c\n", "fastText's lines"),
            (
                "x\tgood film\ny\tbad film\nx\tfine film\ny\tsad film\n",
                "TSV without a header, text column '2', label column '1'"
            ),
            (
                "[b] text\tx\nother text\tx\nanother\ty\nlast one\ty\n",
                "TSV without a header, text column '1', label column '2'"
            ),
            (
                "premise,hypothesis,label\na,b,x\n",
                "CSV, text column 'premise', pair column 'hypothesis', label column 'label'"
            ),
            ("label,label_text,text\n0,bad,a\n", "CSV, text column 'text', label column 'label_text'"),
        ])
    func detection(text: String, layout: String) throws {
        for name in ["d.tsv", "d.csv", "d", "d.txt", "d.data"] {
            #expect(try read(text, name).layout.description == layout)
        }
    }

    @Test(
        "GLUE's tables are read with the columns that they have",
        arguments: [
            ("sentence\tlabel\nhide it \t0\n", "hide it ", nil, "0"),
            (
                "gj04\t1\t\tOur friends won't buy this.\ngj04\t0\t*\tThey drank the pub.\nks08\t1\t\tOne.\n",
                "Our friends won't buy this.", nil, "1"
            ),
            (
                "\u{FEFF}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n1\t7\t8\tA \"b\tC\n",
                "A \"b", "C", "1"
            ),
            ("id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tA?\tB?\t0\n", "A?", "B?", "0"),
            (
                "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
                    + "0\tmain\tMSRvid\t2012\t0001\tnone\tnone\tA.\tB.\t5.000\n", "A.", "B.", "5.000"
            ),
            (
                "index\tpromptID\tpairID\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\t"
                    + "sentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
                    + "0\t1\t1n\tgov\t(\t(\t(\t(\tA.\tB.\tneutral\tneutral\n", "A.", "B.", "neutral"
            ),
            ("index\tquestion\tsentence\tlabel\n0\tA?\tB.\tentailment\n", "A?", "B.", "entailment"),
            ("index\tsentence1\tsentence2\tlabel\n0\tA.\tB.\tnot_entailment\n", "A.", "B.", "not_entailment"),
        ] as [(String, String, String?, String)])
    func glue(table: String, text: String, pair: String?, label: String) throws {
        let example = try read(table, "train.tsv").examples[0]
        #expect(example.text == text && example.pair == pair && example.label == label)
    }

    @Test("fastText's labels stand anywhere, one or several")
    func fastText() throws {
        let data = try read("__label__a __label__b one  two\nthree __label__a\n", "d.txt")
        #expect(data.texts == ["one two", "three"])
        #expect(data.examples.map(\.listedLabels) == [["a", "b"], nil])
        #expect(data.likelyProblem == .multiLabel)
        #expect(try data.headLabels(for: .multiLabel) == ["a", "b"])
        #expect(try read("__label__a, x\n__label__b y\n", "one.txt").likelyProblem == .singleLabel)
    }

    @Test("a folder for each class, in a folder for each part; what has no label is left out")
    func classFolders() throws {
        for part in ["train", "test"] {
            try directory.write("\(part) good\nfilm\n", to: "imdb/\(part)/pos/0_9.txt")
            try directory.write("\(part) bad", to: "imdb/\(part)/neg/0_1.txt")
        }
        try directory.write("no label", to: "imdb/train/unsup/0_0.txt")
        try directory.write("a note", to: "imdb/README")
        let train = try LabelledExamples(directory("imdb"))
        #expect(train.texts == ["train bad", "train good\nfilm"] && train.examples.map(\.label) == ["neg", "pos"])
        #expect(train.layout.description == "a folder for each class")
        #expect(try LabelledExamples(directory("imdb"), for: .evaluation).texts[0] == "test bad")
        #expect(try LabelledExamples(directory("imdb/test")).texts[0] == "test bad")
        #expect(CorpusFolder.development(in: directory("imdb")) == nil)
        try directory.write([0x61, 0x0A, 0x62, 0xFF], to: "imdb/train/neg/x.txt")
        #expect(throws: CorpusError.invalidUTF8(directory("imdb/train/neg/x.txt"), line: 2, byte: 1)) {
            try LabelledExamples(directory("imdb"))
        }
    }

    @Test("of a folder the part for the purpose is taken; GLUE's tests have no labels")
    func folders() throws {
        for (part, text) in [("train", "a"), ("dev", "b")] {
            try directory.write("sentence\tlabel\n\(text)\t1\n", to: "SST-2/\(part).tsv")
        }
        try directory.write("index\tsentence\n0\tc\n", to: "SST-2/test.tsv")
        #expect(try LabelledExamples(directory("SST-2")).texts == ["a"])
        #expect(try LabelledExamples(directory("SST-2"), for: .evaluation).texts == ["b"])
        #expect(CorpusFolder.development(in: directory("SST-2")) == directory("SST-2/dev.tsv"))
        try directory.write("x", to: "SST-2/train.csv")
        #expect(throws: CorpusError.ambiguousFiles(directory("SST-2"), found: ["train.csv", "train.tsv"])) {
            try LabelledExamples(directory("SST-2"))
        }
        try directory.write("x", to: "empty/x")
        #expect(throws: CorpusError.emptyFolder(directory("empty"), wanted: ["train", "training"])) {
            try LabelledExamples(directory("empty"))
        }
    }

    @Test("gzip is seen by its first bytes; several members and zeros behind them are read, damage is refused")
    func gzip() throws {
        let file = directory("d.tsv.gz")
        try directory.write("text\tlabel\na\tx\n", to: "one")
        try directory.write("b\ty\n", to: "two")
        let command = "cd \(directory.path) && gzip -nc one > d.tsv.gz && gzip -nc two >> d.tsv.gz"
        #expect(unsafe system(command) == 0)
        #expect(try LabelledExamples(file).texts == ["a", "b"])
        let bytes = try #require(contents(of: file))
        try directory.write(bytes + [0, 0, 0], to: "d.tsv.gz")
        #expect(try LabelledExamples(file).texts == ["a", "b"])
        try directory.write(Array(bytes.dropLast(6)), to: "d.tsv.gz")
        #expect(throws: CorpusError.damagedGzip(file)) { try LabelledExamples(file) }
        var wrong = bytes
        wrong[20] ^= 0xFF
        try directory.write(wrong, to: "d.tsv.gz")
        #expect(throws: CorpusError.damagedGzip(file)) { try LabelledExamples(file) }
        try directory.write(bytes + [1], to: "d.tsv.gz")
        #expect(throws: CorpusError.damagedGzip(file)) { try LabelledExamples(file) }
    }

    @Test("records may be longer than what is read at once, and many windows come in order")
    func large() throws {
        let long = String(repeating: "word \"x\" ", count: 60_000)
        let rows = (0..<9000).map { "\($0),\"a, \($0)\nb\"\n" }.joined()
        let csv = try read("label,text\n0,\"" + long.replacing("\"", with: "\"\"") + "\"\n" + rows, "d.csv")
        #expect(csv.texts[0] == long && csv.examples.count == 9001)
        #expect(csv.texts[1...].enumerated().allSatisfy { $0.element == "a, \($0.offset)\nb" })
        #expect(csv.examples[9000].line == 2 + 2 * 8999 + 1)
        let objects = (0..<5000).map { "{\"text\":\"] \\\" \($0)\",\n\"label\":\($0 % 2)}" }.joined(separator: ",\n")
        let json = try read("[" + objects + "]", "d.json")
        #expect(json.examples.count == 5000 && json.texts[4999] == "] \" 4999" && json.examples[4999].line == 9999)
    }

    @Test("texts are put together from columns, labels from their names, columns are given by number")
    func columns() throws {
        var columns = LabelledExamples.Columns()
        columns.template = "Q: {question} A: {answer}"
        columns.labelNames = ["no", "yes"]
        let data = try read("question,answer,label\na?,b,1\nc?,d,yes\ne?,f,0\n", "d.csv", columns)
        #expect(data.texts == ["Q: a? A: b", "Q: c? A: d", "Q: e? A: f"])
        #expect(data.examples.map(\.label) == ["yes", "yes", "no"] && data.labels(for: .singleLabel) == ["no", "yes"])
        #expect(data.layout.description == "CSV, text 'Q: {question} A: {answer}', label column 'label'")
        #expect(throws: CorpusError.unnamedLabel(data.file, line: 2, label: "2", names: ["no", "yes"])) {
            try read("question,answer,label\na?,b,2\n", "d.csv", columns)
        }
        #expect(throws: CorpusError.unnamedLabel(data.file, line: 2, label: "maybe", names: ["no", "yes"])) {
            try read("question,answer,label\na?,b,maybe\n", "d.csv", columns).targets(["no", "yes"], for: .singleLabel)
        }
        var semicolons = LabelledExamples.Columns()
        semicolons.delimiter = UInt8(ascii: ";")
        #expect(throws: CorpusError.wrongDelimiter(directory("d.tsv"))) {
            try read("text\tlabel\na\tb\n", "d.tsv", semicolons)
        }
        let numbered = try read("a\tb\tc\nd\te\tf\n", "d.tsv", .init(text: "2", pair: "1", label: "3"))
        #expect(numbered.texts == ["b", "e"] && numbered.examples[1].pair == "d" && numbered.examples[1].label == "f")
        var headless = LabelledExamples.Columns(text: "1", label: "2")
        headless.hasHeader = false
        #expect(try read("text\tlabel\na\tb\n", "d.tsv", headless).texts == ["text", "a"])
    }

    @Test("columns that are absent or ambiguous are refused with what there is and the option that decides")
    func columnFailures() throws {
        let csv = directory("d.csv")
        #expect(
            throws: CorpusError.ambiguousColumns(csv, found: ["title", "body"], option: "--text-column")
        ) { try read("title,body,label\na,b,x\n", "d.csv") }
        #expect(
            throws: CorpusError.ambiguousColumns(csv, found: ["topic", "stars"], option: "--label-column")
        ) { try read("text,topic,stars\na,b,x\n", "d.csv") }
        #expect(throws: CorpusError.unnamedColumns(csv, count: 3)) {
            try read("a long text,x,1\na longer text,x,1\nanother text,y,2\nthe last text,y,2\n", "d.csv")
        }
        #expect(throws: CorpusError.unnamedColumns(csv, count: 1)) { try read("a\na\nb\n", "d.csv") }
        #expect(
            throws: CorpusError.missingColumn(csv, wanted: ["q"], found: ["text", "label"], option: "--text-template")
        ) {
            var columns = LabelledExamples.Columns()
            columns.template = "{q}"
            _ = try read("text,label\na,b\n", "d.csv", columns)
        }
        #expect("\(CorpusError.unnamedColumns(csv, count: 1))".contains("--text-column and --label-column"))
    }

    @Test("a column that is read needs a name of its own, and does for one thing alone")
    func columnsTwice() throws {
        let tsv = directory("d.tsv")
        #expect(throws: CorpusError.repeatedColumn(tsv, name: "text")) {
            try read("text\ttext\tlabel\na\tb\tx\nc\td\ty\n", "d.tsv")
        }
        #expect(throws: CorpusError.repeatedColumn(tsv, name: "label")) {
            try read("text\tlabel\tlabel\na\tx\tz\nc\ty\tz\n", "d.tsv")
        }
        // What is not read may have any name.
        #expect(try read("id\tid\ttext\tlabel\n1\t2\ta\tx\n3\t4\tb\ty\n", "d.tsv").texts == ["a", "b"])
        #expect(throws: CorpusError.sameColumn(tsv, name: "text", options: ["--text-column", "--label-column"])) {
            try read("text\tlabel\na\tx\nc\ty\n", "d.tsv", .init(text: "text", label: "text"))
        }
        #expect(throws: CorpusError.sameColumn(tsv, name: "text", options: ["--text-column", "--pair-column"])) {
            try read("text\tlabel\na\tx\nc\ty\n", "d.tsv", .init(text: "text", pair: "text"))
        }
    }

    @Test(
        "UTF-16 is named, in either order of bytes", arguments: [[0xFF, 0xFE, 0x61, 0x00], [0xFE, 0xFF, 0x00, 0x61]])
    func utf16(bytes: [UInt8]) throws {
        let file = try directory.write(bytes, to: "d.tsv")
        #expect(throws: CorpusError.utf16(file)) { try LabelledExamples(file) }
        #expect("\(CorpusError.utf16(file))".contains("iconv -f UTF-16 -t UTF-8"))
    }

    @Test("files that are cut or are no files are refused")
    func damage() throws {
        let json = directory("d.json")
        #expect(throws: CorpusError.notAnArray(json, line: 2)) {
            try read("[{\"text\":\"a\",\"label\":1},\n{\"text\":\"b\",", "d.json")
        }
        #expect(throws: CorpusError.notAnArray(json, line: 1)) {
            try read("[{\"text\":\"a\",\"label\":1}] x", "d.json")
        }
        #expect(throws: CorpusError.noExamples(json)) { try read("[]", "d.json") }
        #expect(throws: CorpusError.noExamples(json)) { try read("\n \n", "d.json") }
        #expect(throws: CorpusError.invalidJSON(json, line: 1, JSONError(.endOfInput, at: 1))) {
            try read("{", "d.json")
        }
        let pipe = directory("pipe")
        #expect(unsafe mkfifo(pipe.string, 0o600) == 0)
        let keepsOpen = try FileDescriptor.open(pipe, .readWrite)
        #expect(throws: CorpusError.notAFile(pipe)) { try LabelledExamples(pipe) }
        try keepsOpen.close()
    }

    @Test("numbers and words among the labels are refused where nobody says what they are")
    func mixedLabels() throws {
        let data = try read("text\tlabel\na\t1\nb\tgood\nc\t0\n", "d.tsv")
        #expect(
            throws: CorpusError.mixedLabels(data.file, number: "1", line: 2, word: "good", wordLine: 3)
        ) { try data.labelColumn.problem(nil) }
        #expect(try data.labelColumn.problem(.singleLabel) == .singleLabel)
        #expect(try data.headLabels(for: .singleLabel) == ["0", "1", "good"])
    }
}
