import Testing
import Tokenizers

@Suite("WordSegmenter")
struct WordSegmenterTests {
    private let segmenter: WordSegmenter

    init() throws { segmenter = try WordSegmenter() }

    private func words(_ text: String) -> [String] { segmenter.words(of: text).map(\.text) }
    private func kinds(_ text: String) -> [TextSegment.Kind] { segmenter.segments(of: text).map(\.kind) }

    @Test("words are told from what stands between them")
    func kinds() {
        #expect(words("Don't panic: 3.14 isn't 22/7!") == ["Don't", "panic", "3.14", "isn't", "22", "7"])
        #expect(kinds("a 1, カタカナ漢字") == [.letters, .other, .number, .other, .other, .kana, .ideographs])
        #expect(words("") == [] && segmenter.segments(of: "").isEmpty)
        #expect(words(" ,;\n") == [])
    }

    @Test("Thai, Chinese and Japanese are divided by dictionaries")
    func dictionaries() {
        #expect(words("สวัสดีชาวโลก") == ["สวัสดี", "ชาว", "โลก"])
        #expect(words("我们喜欢学习语言。") == ["我们", "喜欢", "学习", "语言"])
        #expect(kinds("カタカナ") == [.kana] && kinds("漢字") == [.ideographs])
        #expect(words("これはペンです") == ["これ", "は", "ペン", "です"])
        #expect(kinds("สวัสดีชาวโลก") == [.letters, .letters, .letters])
    }

    @Test("emoji sequences and combining marks stay whole")
    func sequences() {
        let family = "\u{1F469}\u{200D}\u{1F469}\u{200D}\u{1F467}"
        let segments = segmenter.segments(of: "a\(family)\u{1F1E9}\u{1F1EA}\u{1F1EB}\u{1F1F7}b")
        #expect(segments.map(\.range) == [0..<1, 1..<6, 6..<8, 8..<10, 10..<11])
        #expect(segments.map(\.kind) == [.letters, .other, .other, .other, .letters])
        #expect(words("e\u{301}te\u{301} no\u{308}el") == ["e\u{301}te\u{301}", "no\u{308}el"])
    }

    @Test("a mixed word is one word, and NUL is not part of one")
    func oddities() {
        #expect(words("pаypal и Boris") == ["pаypal", "и", "Boris"])
        #expect(words("a\0b\u{10FFFF}c") == ["a", "b", "c"])
        #expect(words("a\r\nb\u{FEFF}c") == ["a", "b\u{FEFF}c"])
    }

    @Test("segments cover the text, and their ranges are those of scalars and bytes")
    func coverage() {
        var random = SeededRandom(state: 20)
        let alphabet = Array("aéб中カ한ไ1 .'\u{300}\u{200D}\u{1F469}\u{1F1E9}\r\n\0\u{E000}".unicodeScalars)
        for _ in 0..<200 {
            var text = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 0...40, using: &random) { text.append(alphabet.randomElement(using: &random)!) }
            var scalar = 0
            var byte = 0
            for segment in segmenter.segments(of: String(text)) {
                #expect(segment.range.lowerBound == scalar && segment.utf8Range.lowerBound == byte)
                scalar = segment.range.upperBound
                byte += text.dropFirst(segment.range.lowerBound).prefix(segment.range.count).reduce(0) {
                    $0 + String($1).utf8.count
                }
                #expect(byte == segment.utf8Range.upperBound)
            }
            #expect(scalar == text.count)
        }
    }

    @Test("a text divided in parts has the same words")
    func parts() throws {
        let parts = try WordSegmenter(unitLimit: 24)
        let text = String(repeating: "graft it onto \u{1F469}\u{200D}\u{1F4BB} стебель, 3.14 then\r\n", count: 20)
        #expect(parts.segments(of: text) == segmenter.segments(of: text))
    }

    @Test("threads share one segmenter")
    func threads() async {
        let texts = (0..<64).map { "слово \($0) สวัสดีชาวโลก don't" }
        let shared = segmenter
        let expected = texts.map { shared.segments(of: $0) }
        await withTaskGroup(of: Bool.self) { group in
            for (text, expected) in zip(texts, expected) {
                group.addTask { (0..<50).allSatisfy { _ in shared.segments(of: text) == expected } }
            }
            for await isSame in group { #expect(isSame) }
        }
    }
}

@Suite("Script")
struct ScriptTests {
    private func runs(_ text: String) -> [String] {
        Script.runs(of: text).map { "\($0.script) \($0.range.lowerBound)-\($0.range.upperBound)" }
    }

    @Test("common and inherited code points take the script around them")
    func resolution() {
        #expect(runs("Hi, мир!") == ["Latn 0-4", "Cyrl 4-8"])
        #expect(runs("42 это") == ["Cyrl 0-6"])
        #expect(runs("e\u{301}\u{200D}x") == ["Latn 0-4"])
        #expect(runs("2024-11-05 \u{1F600}") == ["Zyyy 0-12"])
        #expect(runs("") == [])
        #expect(runs("\0a\0") == ["Latn 0-3"])
    }

    @Test("code points of several scripts stay with the run they can belong to")
    func extensions() {
        // The prolonged sound mark is of Hiragana and Katakana, the danda of most scripts of India.
        #expect(runs("カー") == ["Kana 0-2"])
        #expect(runs("らーめん") == ["Hira 0-4"])
        #expect(runs("नमस्ते।") == ["Deva 0-7"])
        #expect(runs("ー") == ["Zyyy 0-1"])
        // A mark does not leave its letter, even if it is usual with others only.
        #expect(runs("a\u{951}b") == ["Latn 0-3"])
    }

    @Test("a closing bracket has the script of its opening one")
    func brackets() {
        #expect(runs("see (мир) now") == ["Latn 0-5", "Cyrl 5-8", "Latn 8-13"])
        #expect(runs("(мир]) x") == ["Cyrl 0-7", "Latn 7-8"])
        #expect(runs(String(repeating: "(", count: 300) + "a" + String(repeating: ")", count: 300)) == ["Latn 0-601"])
    }

    @Test("shares count what has a script of its own")
    func shares() {
        let shares = Script.shares(of: "abcdef, где 1!")
        #expect(shares.map(\.script.code) == ["Latn", "Cyrl"] && shares.map(\.share) == [6.0 / 9, 3.0 / 9])
        #expect(Script.shares(of: "1, 2") == [])
        #expect(Script.shares(of: "漢字かな交じり文").map(\.script.code) == ["Hani", "Hira"])
    }

    @Test("scripts have codes and names")
    func names() throws {
        let latin = try #require(Script(code: "Latn"))
        #expect(latin.name == "Latin" && latin == Script(of: "a") && "\(latin)" == "Latn")
        #expect(Script(of: " ") == .common && Script(of: "\u{301}") == .inherited)
        #expect(Script(code: "Xxxx") == nil && Script(code: "Latin") == nil && Script(code: "") == nil)
        #expect(Script(of: "\u{378}").code == "Zzzz")
    }
}
