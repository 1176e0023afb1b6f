import SystemPackage
import Testing
import Tokenizers

@Suite("Hostile models and texts")
struct HostileModelTests {
    /// A serialized SentencePiece model.
    private struct Model {
        var pieces: [(text: [UInt8], score: Float, kind: Int)] = []
        /// 1 for Unigram, 2 for BPE, 4 for characters.
        var type = 1
        var fallsBackToBytes = false

        init(_ pieces: [(String, Float, Int)], type: Int = 1) {
            self.pieces = pieces.map { (Array($0.0.utf8), $0.1, $0.2) }
            self.type = type
        }

        private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
            var length: [UInt8] = []
            var rest = bytes.count
            repeat {
                length.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
                rest >>= 7
            } while rest > 0
            return [number << 3 | 2] + length + bytes
        }

        var bytes: [UInt8] {
            var result: [UInt8] = []
            for piece in pieces {
                let bits = piece.score.bitPattern
                let score = (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt32($0))) }
                result += Self.field(1, Self.field(1, piece.text) + [0x15] + score + [0x18, UInt8(piece.kind)])
            }
            let trainer: [UInt8] = [0x18, UInt8(type)] + (fallsBackToBytes ? [0x98, 0x02, 1] : [])
            return result + Self.field(2, trainer)
        }
    }

    private static let basic: [(String, Float, Int)] = [
        ("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("▁", -1, 1), ("a", -2, 1), ("b", -3, 1), ("▁ab", -1.5, 1),
    ]

    private func tokenizer(_ bytes: [UInt8]) throws -> Tokenizer {
        let path = Fixtures.temporary("hostile.model")
        try Fixtures.write(bytes, to: path)
        return try Tokenizer(file: path)
    }

    private func directory(_ model: [UInt8], _ configuration: String) throws -> Tokenizer {
        let directory = Fixtures.temporary("hostile")
        try directory.makeDirectory()
        try Fixtures.write(model, to: directory.appending("spm.model"))
        try Fixtures.write(Array(configuration.utf8), to: directory.appending("tokenizer_config.json"))
        return try Tokenizer(directory: directory)
    }

    private func reason(_ bytes: [UInt8]) throws -> String? {
        do {
            _ = try tokenizer(bytes)
            return nil
        } catch TokenizerError.invalidSentencePieceModel(_, let reason) { return reason }
    }

    @Test("broken models are refused with their reason")
    func broken() throws {
        #expect(try reason(Model(Self.basic).bytes) == nil)
        #expect(try reason([]) == "no pieces")
        #expect(try reason(Model(Array(Self.basic.dropFirst())).bytes) == "no unknown piece")
        var model = Model(Self.basic)
        model.pieces[4].text = [0xC3]
        #expect(try reason(model.bytes) == "a piece is not UTF-8")
        model = Model(Self.basic)
        model.pieces[4].text = [0x61, 0]
        #expect(try reason(model.bytes) == "a piece is empty")
        model = Model(Self.basic)
        model.pieces[4].score = .nan
        #expect(try reason(model.bytes) == "a score is not a number")
        #expect(try reason(Model(Self.basic, type: 9).bytes) == "unknown model type 9")
        // The library refuses what is there twice.
        #expect(try reason(Model(Self.basic + [("a", -2, 1)]).bytes) != nil)
    }

    @Test("lengths and numbers larger than the file are refused")
    func hugeCounts() throws {
        let huge: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
        #expect(try reason([0x0A] + huge) == "the file ends too early")
        #expect(try reason([0x0A] + [UInt8](repeating: 0xFF, count: 11)) == "an integer is too long")
        let bytes = Model(Self.basic).bytes
        for length in 0..<bytes.count { _ = try reason(Array(bytes[..<length])) }
    }

    @Test("a text with a control piece in it is unknown, by ids alone and with offsets")
    func controlPiece() throws {
        var pieces = Self.basic
        pieces[2] = ("x", 0, 3)
        let tokenizer = try tokenizer(Model(pieces, type: 4).bytes)
        let encoding = tokenizer.encode("axb")
        #expect(tokenizer.ids("axb") == encoding.ids)
        #expect(encoding.offsets.last?.upperBound == 3)
    }

    @Test("a long run of unknown code points is one token like a short one")
    func unknownRuns() throws {
        for type in [1, 2] {
            let tokenizer = try tokenizer(Model(Self.basic, type: type).bytes)
            let short = tokenizer.encode("ab中中ab")
            let long = tokenizer.encode("ab" + String(repeating: "中", count: 5000) + "ab")
            #expect(long.ids == short.ids && tokenizer.ids("ab中中ab") == short.ids)
            #expect(short.offsets.contains(2..<4) && long.offsets.contains(2..<5002))
            #expect(long.offsets.last?.upperBound == 5004)
            let twice = "中" + String(repeating: "é", count: 300) + "a" + String(repeating: "\u{1F600}", count: 999)
            #expect(tokenizer.encode(twice).offsets.suffix(3) == [0..<301, 301..<302, 302..<1301])
        }
    }

    @Test("a family's model with byte fallback spells out what is unknown, and never takes text for a byte")
    func byteFallback() throws {
        var pieces = Self.basic
        pieces += (0..<256).map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return ("<0x\(byte < 16 ? "0" : "")\(digits)>", 0, 6)
        }
        pieces += "<0x41>中".unicodeScalars.prefix(6).map { (String($0), -4, 1) }
        var model = Model(pieces)
        model.fallsBackToBytes = true
        let tokenizer = try directory(
            model.bytes,
            """
            {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "pad_token": "<s>"}
            """)
        let encoding = tokenizer.encode("ab é")
        #expect(encoding.tokens == ["▁ab", "▁", "<0xC3>", "<0xA9>", "</s>"])
        #expect(encoding.offsets.prefix(4) == [0..<2, 3..<4, 3..<4, 3..<4])
        #expect(tokenizer.decode(encoding.ids) == "ab é")
        #expect(tokenizer.encode("<0x41>").tokens == ["▁", "<", "0", "x", "4", "1", ">", "</s>"])
    }

    @Test("DeBERTa's directories have the ids of SentencePiece's library")
    func deberta() throws {
        let model = try Fixtures.read(Fixtures.golden.appending("unigram.model"))
        let bare = try Fixtures.tokenizer("unigram.model")
        let tokenizer = try directory(
            model,
            """
            {"tokenizer_class": "DebertaV2Tokenizer", "cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>",
            "pad_token": "<pad>", "mask_token": "<mask>"}
            """)
        for text in ["a good graft heals", "  ｆｉｔ ﬁt … ½  ｶﾞ e\u{301} \u{200B}x\t", "中文 \u{1F600}", ""] {
            let encoding = tokenizer.encode(text)
            #expect(encoding.ids.dropFirst().dropLast() == bare.ids(text)[...], "\(text)")
            #expect(tokenizer.ids(text) == encoding.ids)
        }
    }

    @Test("a tokenizer.json with odd ids and merges is read or refused")
    func oddVocabularies() throws {
        func tokenizer(_ bytes: [UInt8]) throws -> Tokenizer {
            let path = Fixtures.temporary("odd.json")
            try Fixtures.write(bytes, to: path)
            return try Tokenizer(file: path)
        }
        func wordLevel(_ vocabulary: String) -> [UInt8] {
            Array(#"{"model": {"type": "WordLevel", "unk_token": "u", "vocab": \#(vocabulary)}}"#.utf8)
        }
        // An id far away costs no memory, and one that two tokens have decodes to one of them.
        let far = try tokenizer(wordLevel(#"{"u": 0, "a": 2147483646}"#))
        #expect(far.ids("a") == [2_147_483_646] && far.decode([2_147_483_646]) == "a")
        let twice = try tokenizer(wordLevel(#"{"u": 0, "a": 1, "b": 1}"#))
        #expect(twice.ids("a") == [1] && ["a", "b"].contains(twice.decode([1])))
        #expect(throws: TokenizerError.self) { try tokenizer(wordLevel(#"{"u": 0, "a": 99999999999999999999}"#)) }
        #expect(throws: TokenizerError.self) { try tokenizer(Array("{\"a\": \"".utf8) + [0xFF] + Array("\"}".utf8)) }
        #expect(try tokenizer(wordLevel(#"{"u": 0, "\u0000": 7}"#)).ids("\0") == [7])
        // A merge whose result is one of its parts ends all the same.
        let cyclic = try tokenizer(
            Array(
                #"""
                {"model": {"type": "BPE", "vocab": {"a": 0, "##": 1, "##a": 2}, "merges": ["a ##", "##a ##"],
                "continuing_subword_prefix": "##"}}
                """#.utf8))
        #expect(cyclic.ids(String(repeating: "a", count: 500)).count <= 500)
        let noUnknown = #"{"model": {"type": "Unigram", "unk_id": null, "vocab": [["a", -1], ["b", -2]]}}"#
        #expect(try tokenizer(Array(noUnknown.utf8)).encode("azb").ids == [0, 1])
        #expect(throws: TokenizerError.self) {
            try tokenizer(Array(noUnknown.replacing("null", with: "2").utf8))
        }
    }

    @Test("200 kB without a blank are no matter for any model", .timeLimit(.minutes(1)))
    func longTexts() throws {
        var tokenizers = try PipelineTests.names.map { try Fixtures.tokenizer("\($0)_tokenizer.json") }
        tokenizers.append(try Fixtures.tokenizer("unigram.model"))
        for type in [1, 2, 4] { tokenizers.append(try tokenizer(Model(Self.basic, type: type).bytes)) }
        let texts = [
            String(repeating: "a", count: 200_000), String(repeating: "中文", count: 33_000),
            String(repeating: "e\u{301}", count: 66_000), String(repeating: "ab.", count: 66_000),
            String(repeating: "\0", count: 200_000), String(repeating: "\u{1F469}\u{200D}", count: 28_000),
        ]
        for tokenizer in tokenizers {
            for text in texts {
                let ids = tokenizer.ids(text)
                #expect(tokenizer.ids(text) == ids)
            }
        }
    }
}
