import SystemPackage
import Testing
import Tokenizers

/// Reproducible random numbers.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A text of words, scripts, marks, controls and special tokens.
    mutating func text() -> String {
        let parts = [
            "the", "Grafts", "it's", "I'LL", " ", "  ", "\t", "\n", "\r\n", "\u{A0}", "\u{3000}", "é", "e\u{301}", "ﬁ",
            "中文", "한국", "नमस्ते", "שלום", "\u{0}", "\u{200B}", "\u{FFFD}", "12", "3.5", "!?", "…", "«", "<mask>",
            "[MASK]", "<s>", "\u{2581}", "\u{1F469}\u{200D}\u{1F4BB}", "İ", "ß", "\u{323}\u{307}", "ὒ", "＃", "Ａ",
        ]
        var result = ""
        for _ in 0..<Int.random(in: 0..<20, using: &self) {
            if Int.random(in: 0..<6, using: &self) == 0 {
                let code = UInt32.random(in: 0..<0x30000, using: &self)
                if let scalar = Unicode.Scalar(code) { result.unicodeScalars.append(scalar) }
            } else {
                result += parts[Int.random(in: 0..<parts.count, using: &self)]
            }
        }
        return result
    }
}

@Suite("Fast lanes")
struct LaneTests {
    @Test("a lane gives what every stage by itself gives", arguments: ["bert", "bytelevel", "unigram"])
    func equalsGeneralWay(name: String) throws {
        let tokenizer = try Fixtures.tokenizer("\(name)_tokenizer.json")
        var random = SeededRandom(state: 11)
        for _ in 0..<1500 {
            let text = random.text()
            let fast = Comparison.tokens(of: text, tokenizer, generally: false)
            #expect(fast == Comparison.tokens(of: text, tokenizer, generally: true), "\(text.debugDescription)")
        }
    }

    @Test("the byte-level splitting is that of its regular expression")
    func byteLevelPattern() throws {
        let pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#
        var random = SeededRandom(state: 5)
        for _ in 0..<3000 {
            let text = Array(random.text().utf8)
            #expect(
                Comparison.byteLevelWords(of: text) == Comparison.matches(of: pattern, in: text),
                "\(String(decoding: text, as: UTF8.self).debugDescription)")
        }
    }

    @Test("short and long words are merged alike")
    func merging() throws {
        let tokenizer = try Fixtures.tokenizer("bytelevel_tokenizer.json")
        // A word of 49 symbols takes the heap, one of 48 the short way; beginnings must agree where nothing crosses.
        let word = "readersreadablerereadgrafts"
        let short = tokenizer.ids(word, addSpecialTokens: false)
        let long = tokenizer.ids("\(word) \(word)\(word)\(word)", addSpecialTokens: false)
        #expect(Array(long.prefix(short.count)) == short)
    }

    @Test("truncated lengths are the reference's for any pair")
    func truncation() {
        for first in 0..<12 {
            for second in 0..<12 {
                for room in 0..<20 {
                    let lengths = Truncation(maxLength: 0).lengths(first, second, room: room)
                    #expect(lengths.first <= first && lengths.second <= second)
                    #expect(lengths.first + lengths.second == min(first + second, room))
                }
            }
        }
    }
}

@Suite("Real vocabularies")
struct RealVocabularyTests {
    @Test("real byte-level vocabularies decode what they encode")
    func roberta() throws {
        guard let data = Fixtures.sharedData else {
            print("skipped: no shared data; set GRAFT_SHARED_DATA")
            return
        }
        let directory = Fixtures.temporary("roberta")
        try directory.makeDirectory()
        let source = data.appending("tokenizers/bytelevel_bpe")
        for name in ["vocab.json", "merges.txt"] {
            try Fixtures.write(
                try Fixtures.read(source.appending("roberta_base_\(name)")), to: directory.appending(name))
        }
        let tokenizer = try Tokenizer(directory: directory)
        #expect(tokenizer.vocabularySize == 50265)
        #expect(tokenizer.ids("Hello world") == [0, 31414, 232, 2])
        let lines = try Fixtures.read(data.appending("tokenizers/udhr_multilingual.tsv")).split(separator: 0x0A)
        for line in lines {
            let text = String(decoding: line, as: UTF8.self)
            #expect(Array(tokenizer.decode(tokenizer.ids(text)).utf8) == Array(line))
        }
    }

    @Test("the default model's tokenizer gives its published ids")
    func defaultModel() throws {
        guard let directory = Fixtures.defaultModel else {
            print("skipped: no default model; set GRAFT_TEST_MODEL to its directory")
            return
        }
        let tokenizer = try Tokenizer(directory: directory)
        #expect(tokenizer.vocabularySize == 30522)
        #expect(tokenizer.ids("Hello, world!") == [101, 7592, 1010, 2088, 999, 102])
        #expect(tokenizer.storedTruncation?.maxLength == 128)
        #expect(tokenizer.clsID == 101 && tokenizer.sepID == 102 && tokenizer.padID == 0 && tokenizer.maskID == 103)
    }
}
