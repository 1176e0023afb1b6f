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
        var charsmap: [UInt8] = []
        var decodingCharsmap: [UInt8] = []
        var addsDummyPrefix = true

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
            result += Self.field(2, trainer)
            result += Self.field(3, Self.field(2, charsmap) + (addsDummyPrefix ? [] : [0x18, 0]))
            return decodingCharsmap.isEmpty ? result : result + Self.field(5, Self.field(2, decodingCharsmap))
        }
    }

    /// A trie of sequences and what they become, with 256 units for each node.
    private struct Trie {
        var units = [UInt32](repeating: 1 << 31, count: 512)
        var replacements: [UInt8] = []

        init(_ rules: [(String, String)]) {
            units[0] = 256 << 10
            for (sequence, replacement) in rules {
                var base = 256
                for (i, byte) in sequence.utf8.enumerated() {
                    let place = base ^ Int(byte)
                    if units[place] == 1 << 31 {
                        units[place] = UInt32(place ^ units.count) << 10 | UInt32(byte)
                        units += [UInt32](repeating: 1 << 31, count: 256)
                    }
                    base = place ^ Int(units[place] >> 10)
                    if i + 1 < sequence.utf8.count { continue }
                    units[place] |= 1 << 8
                    units[base] = 1 << 31 | UInt32(replacements.count)
                    replacements += Array(replacement.utf8) + [0]
                }
            }
        }

        var bytes: [UInt8] {
            let words = [UInt32(4 * units.count)] + units
            return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) } }
                + replacements
        }

        /// A sequence, and all that it begins with.
        static func chain(_ length: Int) -> Trie {
            Trie((1...length).map { (String(repeating: "a", count: $0), "b") })
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

    @Test("a charsmap that would lead the library outside of it is refused, before encoding and before decoding")
    func charsmaps() throws {
        let damaged = "its charsmap is damaged: "
        let outside = damaged + "it points outside itself"
        var maps: [([UInt8], String?)] = [
            (Trie([("a", "b"), ("ab", "a"), ("é", "")]).bytes, nil),
            // A root that says of itself that it is a leaf, and none at all.
            ([4, 0, 0, 0, 0, 0, 0, 0x80, 0], outside), ([0, 0, 0, 0, 0, 0, 0x10, 0, 0], outside),
            // As many matches at one place as the library has room for, and one more.
            (Trie.chain(32).bytes, nil),
            (Trie.chain(33).bytes, damaged + "too many of its sequences begin with one another"),
            (Trie([(String(repeating: "a", count: 1024), "b")]).bytes, nil),
            (Trie([(String(repeating: "a", count: 1025), "b")]).bytes, damaged + "its sequences are too long"),
        ]
        var loop = Trie([("a", "b")])
        loop.units[256 ^ 0x61] = 0x61 << 10 | 0x61
        maps.append((loop.bytes, damaged + "its trie has a loop"))
        var far = Trie([("ab", "b")])
        far.units[512 ^ 0x62] |= 1 << 20
        maps.append((far.bytes, outside))
        far = Trie([("a", "b")])
        far.units[512] += 2
        maps.append((far.bytes, outside))
        var unended = Trie([("a", "b")]).bytes
        unended[unended.count - 1] = 0x62
        maps.append((unended, outside))
        for (map, expected) in maps {
            var model = Model(Self.basic)
            model.charsmap = map
            #expect(try reason(model.bytes) == expected)
            do {
                _ = try directory(model.bytes, Self.deberta).encode(String(repeating: "a", count: 40))
                #expect(expected == nil)
            } catch TokenizerError.invalidSentencePieceModel(_, let reason) { #expect(reason == expected) }
            (model.charsmap, model.decodingCharsmap) = ([], map)
            #expect(try reason(model.bytes) == expected)
            if expected == nil { #expect(try tokenizer(model.bytes).decode([3, 5, 5]) == "▁bb") }
        }
    }

    @Test("a charsmap whose sequences share their ends is read once, however many ways lead there")
    func sharedSequences() throws {
        var trie = Trie([(String(repeating: "a", count: 30), "b")])
        for node in 1...30 {
            let place = 256 * node ^ 0x61
            trie.units[256 * node ^ 0x62] = (trie.units[place] ^ (3 << 10)) - 0x61 + 0x62
        }
        var model = Model(Self.basic)
        model.charsmap = trie.bytes
        let tokenizer = try tokenizer(model.bytes)
        #expect(tokenizer.ids(String(repeating: "ab", count: 15)) == tokenizer.ids("b"))
    }

    @Test("user-defined pieces that begin with one another are refused where the library has no room for them")
    func nestedPieces() throws {
        func model(_ count: Int) -> [UInt8] {
            Model(Self.basic.filter { $0.0 != "a" } + (1...count).map { (String(repeating: "a", count: $0), 0, 4) })
                .bytes
        }
        #expect(try reason(model(65)) == "more than 64 user-defined pieces begin with one another")
        #expect(try tokenizer(model(64)).ids(String(repeating: "a", count: 70)).count == 3)
    }

    @Test("a number of extra ids that cannot be is refused")
    func extraIDs() throws {
        func tokenizer(_ extra: String) throws -> Tokenizer {
            try directory(
                Model(Self.basic + [("<extra_id_1>", 0, 4)]).bytes,
                #"{"tokenizer_class": "T5Tokenizer", "pad_token": "<s>", "extra_ids": \#(extra)}"#)
        }
        #expect(try tokenizer("2").ids("<extra_id_1><extra_id_0>") == [7, 8, 2])
        for extra in ["-1", "65537", "1000000000"] {
            do {
                _ = try tokenizer(extra)
                Issue.record("\(extra) is read")
            } catch TokenizerError.invalidMember(_, path: "extra_ids", extra, _) {}
        }
        #expect(try tokenizer("65536").ids("<extra_id_65535>") == [8, 2])
    }

    private static let deberta = """
        {"tokenizer_class": "DebertaV2Tokenizer", "cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>",
        "pad_token": "<s>", "mask_token": "</s>"}
        """
    private static let t5 = #"{"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "pad_token": "<s>"}"#

    /// A model by itself and by its family's rules: the same ids, but for special tokens.
    private func expectLibraryIDs(_ model: Model, _ texts: [String], sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let bare = try tokenizer(model.bytes)
        let family = try directory(model.bytes, model.fallsBackToBytes ? Self.t5 : Self.deberta)
        for text in texts {
            let ids = family.ids(text).dropFirst(model.fallsBackToBytes ? 0 : 1).dropLast()
            #expect(Array(ids) == bare.ids(text), "\(text)", sourceLocation: sourceLocation)
        }
    }

    @Test("a family's charsmap changes sequences of ASCII too")
    func asciiSequences() throws {
        var model = Model(Self.basic + ["i", "t", "s", "'", "\""].map { ($0, -4, 1) })
        model.charsmap = Trie([("''", "\""), ("a", "b")]).bytes
        try expectLibraryIDs(model, ["it''s", "'it's'", "it", "''", "tat"])
        #expect(try directory(model.bytes, Self.deberta).encode("it''s").tokens.dropFirst().dropLast().last == "s")
        #expect(try directory(model.bytes, Self.deberta).encode("it''s").tokens.contains("\""))
    }

    @Test("no text is a control, unknown or unused piece of a family's model")
    func piecesWithoutText() throws {
        for kind in [3, 5] {
            var model = Model(Self.basic + [("ba", 0, kind), ("z", 0, kind)])
            try expectLibraryIDs(model, ["ba", "aba", "z", "aza", "zz", "ab z ba"])
            model.pieces += (0..<256).map { (Array(Self.byteName($0).utf8), 0, 6) }
            model.fallsBackToBytes = true
            try expectLibraryIDs(model, ["ba", "aba", "z", "aza", "zz"])
        }
    }

    @Test("what is unknown is less likely than the lowest of a family's normal pieces, whatever others have")
    func unknownScore() throws {
        // "c" alone has no piece: "cd" is as likely as its score says, against an unknown "c" and a "d".
        let model = Model(Self.basic + [("cd", -14, 1), ("d", -1, 1), ("x", -50, 4), ("y", -90, 5), ("e", -3, 1)])
        try expectLibraryIDs(model, ["cd", "acd", "x", "cdx", "ec"])
        let steep = Model(Self.basic + [("d", -1, 1), ("cd", -20, 1), ("x", -500, 4), ("<y>", -700, 3)])
        try expectLibraryIDs(steep, ["cd", "acd", "x", "cdx", "y"])
    }

    @Test("a family that follows the library refuses a model that sets no blank in front of a text")
    func dummyPrefix() throws {
        var model = Model(Self.basic)
        model.addsDummyPrefix = false
        #expect(throws: TokenizerError.self) { try directory(model.bytes, Self.deberta) }
        #expect(try tokenizer(model.bytes).ids("a") == [4])
    }

    @Test("pieces that would make every text slow are refused")
    func longPiece() throws {
        let long = String(repeating: "a", count: 16_385)
        #expect(try reason(Model(Self.basic + [(long, -1, 1)]).bytes) == "a piece has more than 16384 bytes")
        let path = Fixtures.temporary("long.json")
        try Fixtures.write(Array(#"{"model": {"type": "Unigram", "vocab": [["\#(long)", -1]]}}"#.utf8), to: path)
        #expect(throws: TokenizerError.self) { try Tokenizer(file: path) }
    }

    @Test("100,000 added tokens are read in a moment", .timeLimit(.minutes(5)))
    func manyAddedTokens() throws {
        let tokens = (0..<100_000).map { #"{"id": \#($0 + 1), "content": "<\#($0)>", "special": true}"# }
        let path = Fixtures.temporary("added.json")
        try Fixtures.write(
            Array(
                """
                {"added_tokens": [\(tokens.joined(separator: ", "))],
                "model": {"type": "WordLevel", "unk_token": "u", "vocab": {"u": 0}}}
                """.utf8), to: path)
        #expect(try Tokenizer(file: path).ids("<99999><0>") == [100_000, 1])
    }

    private static func byteName(_ byte: Int) -> String {
        "<0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))>"
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
        #expect(encoding.ids == [0] && encoding.offsets == [0..<3])
        // The library finds an unknown piece of another name only where its trainer says so.
        pieces[0] = ("[UNK]", 0, 2)
        let renamed = try self.tokenizer(Model(pieces, type: 4).bytes)
        #expect(renamed.ids("axb") == [0] && renamed.encode("axb").offsets == [0..<3])
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

    @Test("a long run of sequences that become unknown code points is one token", .timeLimit(.minutes(5)))
    func unknownSequences() throws {
        var model = Model(Self.basic)
        model.charsmap =
            Trie([
                ("α\u{301}", "ά"), ("か\u{3099}", "が"), ("ｶ", "カ"), ("β\u{301}", "a"), ("γγδ", "b"), ("ε", ""),
                ("ζ", " "),
            ]).bytes
        let tokenizer = try tokenizer(model.bytes)
        for unit in ["α", "α\u{301}", "か", "が", "ｶ", "かα\u{301}β", "γ"] {
            let text = String(repeating: unit, count: 200_000)
            let scalars = text.unicodeScalars.count
            let encoding = tokenizer.encode("ab\(text)ab")
            #expect(encoding.ids == [6, 0, 4, 5] && encoding.offsets[1] == 2..<2 + scalars, "\(unit)")
        }
        // What is short is the library's own: the same in a long text, wherever it is cut.
        var random = SeededRandom(state: 6)
        let alphabet = ["α", "\u{301}", "か", "\u{3099}", "ｶ", "β", "γ", "δ", "中", "é"]
        for _ in 0..<100 {
            let words = (0..<4).map { _ in
                (0..<120).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }.joined()
            }
            let split = words.flatMap { tokenizer.ids($0).dropFirst() }
            let joined = tokenizer.ids(words.joined(separator: "\u{3BE}"))
            #expect(joined.filter { $0 != 0 } == [3] + split.filter { $0 != 0 })
        }
    }

    @Test("a family's model with byte fallback spells out what is unknown, and never takes text for a byte")
    func byteFallback() throws {
        var pieces = Self.basic
        pieces += (0..<256).map { (Self.byteName($0), 0, 6) }
        pieces += "<0x41>中".unicodeScalars.prefix(6).map { (String($0), -4, 1) }
        var model = Model(pieces)
        model.fallsBackToBytes = true
        let tokenizer = try directory(model.bytes, Self.t5)
        let encoding = tokenizer.encode("ab é")
        #expect(encoding.tokens == ["▁ab", "▁", "<0xC3>", "<0xA9>", "</s>"])
        #expect(encoding.offsets.prefix(4) == [0..<2, 3..<4, 3..<4, 3..<4])
        #expect(tokenizer.decode(encoding.ids) == "ab é")
        #expect(tokenizer.encode("<0x41>").tokens == ["▁", "<", "0", "x", "4", "1", ">", "</s>"])
        // The same where its characters are unknown: six of them, and not the piece of that name.
        model.pieces.removeLast(6)
        let spelled = try directory(model.bytes, Self.t5).encode("<0x41>").tokens
        #expect(spelled == ["▁", "<0x3C>", "<0x30>", "<0x78>", "<0x34>", "<0x31>", "<0x3E>", "</s>"])
        try expectLibraryIDs(model, ["<0x41>", "a<0x41>b", "é"])
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
        #expect(cyclic.ids(String(repeating: "a", count: 500)) == [0] + [Int32](repeating: 2, count: 499))
        let noUnknown = #"{"model": {"type": "Unigram", "unk_id": null, "vocab": [["a", -1], ["b", -2]]}}"#
        #expect(try tokenizer(Array(noUnknown.utf8)).encode("azb").ids == [0, 1])
        #expect(throws: TokenizerError.self) {
            try tokenizer(Array(noUnknown.replacing("null", with: "2").utf8))
        }
    }

    @Test("200 kB without a blank are no matter for any model", .timeLimit(.minutes(5)))
    func longTexts() throws {
        var tokenizers = try PipelineTests.names.map { try Fixtures.tokenizer("\($0)_tokenizer.json") }
        tokenizers.append(try Fixtures.tokenizer("unigram.model"))
        let texts = [
            String(repeating: "a", count: 200_000), String(repeating: "中文", count: 33_000),
            String(repeating: "e\u{301}", count: 66_000), String(repeating: "ab.", count: 66_000),
            String(repeating: "\0", count: 200_000), String(repeating: "\u{1F469}\u{200D}", count: 28_000),
        ]
        for tokenizer in tokenizers {
            for text in texts { #expect(!tokenizer.ids(text).isEmpty) }
        }
        // Every "a" and every "b" is a piece, and so is the blank in front; runs of what is unknown are one.
        for type in [1, 2, 4] {
            let counts = [200_001, 2, 2, type == 1 ? 197_999 : 198_001, 2, 2]
            let tokenizer = try tokenizer(Model(Self.basic, type: type).bytes)
            for (text, count) in zip(texts, counts) { #expect(tokenizer.ids(text).count == count, "\(type)") }
        }
    }
}
