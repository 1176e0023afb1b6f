import SystemPackage
import Tasks
import TestSupport
import Testing

@Suite("TaggedSentences")
struct TaggedSentencesTests {
    private let scratch: TemporaryDirectory

    init() throws { scratch = try TemporaryDirectory() }

    private func read(_ text: String, _ name: String = "data.txt") throws -> TaggedSentences {
        try TaggedSentences(scratch.write(text, to: name))
    }

    @Test("columns: word first, tag last, empty lines and -DOCSTART- between sentences")
    func columns() throws {
        let text = """
            -DOCSTART- -X- -X- O

            Angela NNP I-NP B-PER
            Merkel NNP I-NP I-PER
            \t
            lives VBZ I-VP O
            -DOCSTART- -X- -X- O
            { ( O O


            } ) O O
            """
        let data = try read(text)
        #expect(data.sentences.map(\.words) == [["Angela", "Merkel"], ["lives"], ["{"], ["}"]])
        #expect(data.sentences.map(\.tags) == [["B-PER", "I-PER"], ["O"], ["O"], ["O"]])
        #expect(data.sentences.map(\.lines) == [[3, 4], [6], [8], [11]])
        #expect(try data.tags() == ["B-PER", "I-PER", "O"])
        let tabs = try read("New York\tB-LOC\r\nis\tO\r\n\r\nbig\tO\r\n")
        #expect(tabs.sentences.map(\.words) == [["New York", "is"], ["big"]] && tabs.words == 3)
    }

    @Test("JSON lines: tokens, and tags or ner_tags")
    func json() throws {
        let data = try read(
            #"{"id": 1, "tokens": ["a", "b"], "tags": ["O", "B-X"]}"# + "\n"
                + #"{"tokens": ["c"], "ner_tags": ["I-X"]}"# + "\n" + #"{"tokens": [], "tags": []}"# + "\n")
        #expect(data.sentences.map(\.words) == [["a", "b"], ["c"]])
        #expect(data.sentences.map(\.tags) == [["O", "B-X"], ["I-X"]] && data.sentences[1].lines == [2])
    }

    @Test("what is wrong is said with its line")
    func failures() throws {
        let file = scratch("data.txt")
        #expect(throws: CorpusError.missingTag(file, line: 3)) { try read("a O\n\nb\n") }
        #expect(throws: CorpusError.unevenColumns(file, line: 2, found: 2, expected: 3)) { try read("a x O\nb O\n") }
        #expect(throws: CorpusError.noExamples(file)) { try read("\n-DOCSTART- O\n") }
        #expect(throws: CorpusError.unevenTags(file, line: 1, words: 2, tags: 1)) {
            try read(#"{"tokens": ["a", "b"], "tags": ["O"]}"#)
        }
        #expect(throws: CorpusError.missingWords(file, line: 1, wanted: ["tags", "ner_tags"])) {
            try read(#"{"tokens": ["a"], "ner_tags": [0]}"#)
        }
        #expect(throws: CorpusError.emptyLabel(file, line: 1)) { try read(#"{"tokens": ["a"], "tags": [""]}"#) }
        #expect(throws: CorpusError.singleLabel(file, label: "O")) { try read("a O\nb O\n").tags() }
        #expect(throws: CorpusError.unknownLabel(file, line: 4, label: "B-Y", known: ["B-X", "O"])) {
            try read("a O\n\nb O\nc B-Y\n").check(["B-X", "O"])
        }
        try scratch.write([0x61, 0xFF, 0x20, 0x4F], to: "data.txt")
        #expect(throws: CorpusError.invalidUTF8(file, line: 1, byte: 1)) { try TaggedSentences(file) }
    }

    @Test("a share is set aside, copies of a sentence on one side")
    func split() throws {
        let rows = (0..<60).map { "w\($0 % 20) O\nx B-X\n" }
        let file = try scratch.write(rows.joined(separator: "\n"), to: "train.txt")
        let data = try TaggingData(train: file, dev: nil, devShare: 0.2, seed: 1)
        let dev = try #require(data.dev)
        #expect(data.isSplit && dev.count == 12 && data.train.count == 48 && data.labels == ["B-X", "O"])
        let words = Set(dev.sentences.map { $0.words[0] })
        #expect(!data.train.sentences.contains { words.contains($0.words[0]) })
        #expect(try data == TaggingData(train: file, dev: nil, devShare: 0.2, seed: 1))
        #expect(try TaggingData(train: file, dev: nil, devShare: nil, seed: 1).dev == nil)
        let other = try scratch.write("a O\nb B-Z\n", to: "dev.txt")
        #expect(throws: CorpusError.unknownLabel(other, line: 2, label: "B-Z", known: ["B-X", "O"])) {
            try TaggingData(train: file, dev: other, devShare: nil, seed: 1)
        }
    }
}
