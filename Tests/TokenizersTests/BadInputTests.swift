import JSON
import SystemPackage
import Testing
import Tokenizers

@Suite("Malformed tokenizer files")
struct BadInputTests {
    private func error(_ text: String, name: String = "broken.json") throws -> TokenizerError? {
        let path = Fixtures.temporary(name)
        try Fixtures.write(Array(text.utf8), to: path)
        do throws(TokenizerError) {
            _ = try Tokenizer(file: path)
            return nil
        } catch {
            return error
        }
    }

    private func wordPiece(_ model: String, rest: String = "") -> String {
        """
        {"version": "1.0", \(rest) "model": {"type": "WordPiece", "unk_token": "[UNK]",
        "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": \(model)}}
        """
    }

    @Test("a piece that nobody knows is refused by its name and stage")
    func unknownPieces() throws {
        let pieces = [
            ("normalizer", "Cyrillic"), ("pre_tokenizer", "Random"), ("post_processor", "Other"),
            ("decoder", "Esperanto"),
        ]
        for (stage, type) in pieces {
            let found = try error(wordPiece(#"{"[UNK]": 0}"#, rest: #""\#(stage)": {"type": "\#(type)"},"#))
            guard case .unsupportedPiece(_, stage, type) = found else {
                Issue.record("\(String(describing: found))")
                continue
            }
        }
        let nested = #""normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "X"}]},"#
        guard
            case .unsupportedPiece(_, "normalizer.normalizers[1]", "X") =
                try error(wordPiece(#"{"[UNK]": 0}"#, rest: nested))
        else {
            Issue.record("a piece inside a sequence")
            return
        }
        guard case .unsupportedPiece(_, "model", "Markov") = try error(#"{"model": {"type": "Markov"}}"#) else {
            Issue.record("a model")
            return
        }
    }

    @Test("what is missing or of the wrong kind is named")
    func invalidMembers() throws {
        guard case .missingUnknownToken(_, "[UNK]") = try error(wordPiece(#"{"a": 0}"#)) else {
            Issue.record("unk")
            return
        }
        guard case .emptyVocabulary = try error(wordPiece("{}")) else {
            Issue.record("empty")
            return
        }
        guard case .idOutOfRange(_, "a", -1) = try error(wordPiece(#"{"[UNK]": 0, "a": -1}"#)) else {
            Issue.record("negative id")
            return
        }
        guard case .invalidMember(_, "model.vocab", _, _) = try error(wordPiece("[]")) else {
            Issue.record("vocab")
            return
        }
        guard
            case .invalidMember(_, "version", _, _) = try error(
                #"{"version": "9", "model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}"#)
        else {
            Issue.record("version")
            return
        }
        guard
            case .invalidMember(_, "added_tokens[0].content", _, _) =
                try error(wordPiece(#"{"[UNK]": 0}"#, rest: #""added_tokens": [{"id": 0}],"#))
        else {
            Issue.record("added token")
            return
        }
    }

    @Test("merges that name absent tokens or are no pairs are refused")
    func merges() throws {
        func bpe(_ merges: String) -> String {
            #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": \#(merges)}}"#
        }
        #expect(try error(bpe(#"["a b"]"#)) == nil)
        #expect(try error(bpe(#"[["a", "b"]]"#)) == nil)
        guard case .mergeOfUnknownToken(_, 1, "c") = try error(bpe(#"["a b", "a c"]"#)) else {
            Issue.record("absent")
            return
        }
        guard case .mergeOfUnknownToken(_, 0, "ba") = try error(bpe(#"["b a"]"#)) else {
            Issue.record("absent result")
            return
        }
        guard case .invalidMerge(_, 0) = try error(bpe(#"["a b c"]"#)) else {
            Issue.record("three")
            return
        }
    }

    @Test("invalid JSON, lone surrogates and deep nesting are typed errors")
    func invalidJSON() throws {
        let texts = [
            "", "{", "[]", #"{"model": {"vocab": {"\ud800": 0}}}"#,
            String(repeating: "[", count: 100_000),
            #"{"normalizer": "# + String(repeating: #"{"type":"Sequence","normalizers":["#, count: 5000),
            #"{"model": {"type": "Unigram", "vocab": [["a", 1], ["b"]]}}"#,
        ]
        for text in texts {
            guard case .invalidJSON = try error(text) else {
                Issue.record("\(text.prefix(60))")
                continue
            }
        }
    }

    @Test("broken charsmaps and patterns are typed errors")
    func charsmaps() throws {
        func with(_ normalizer: String) -> String {
            wordPiece(#"{"[UNK]": 0}"#, rest: #""normalizer": \#(normalizer),"#)
        }
        for map in ["AAA=", "/////w==", "!"] {
            guard
                case .invalidCharsmap = try error(with(#"{"type": "Precompiled", "precompiled_charsmap": "\#(map)"}"#))
            else {
                Issue.record("\(map)")
                continue
            }
        }
        guard
            case .invalidPattern(_, "(", _) =
                try error(with(#"{"type": "Replace", "pattern": {"Regex": "("}, "content": ""}"#))
        else {
            Issue.record("pattern")
            return
        }
    }

    @Test("a charsmap that points everywhere normalizes to something, and does not crash")
    func hostileCharsmap() throws {
        var random = SeededRandom(state: 1)
        for _ in 0..<40 {
            var blob: [UInt8] = [64, 0, 0, 0]
            blob += (0..<64 + 16).map { _ in UInt8.random(in: 0...255, using: &random) }
            let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
            var base64: [UInt8] = []
            for start in stride(from: 0, to: blob.count - 2, by: 3) {
                let bits = UInt32(blob[start]) << 16 | UInt32(blob[start + 1]) << 8 | UInt32(blob[start + 2])
                for shift in [18, 12, 6, 0] as [UInt32] { base64.append(alphabet[Int(bits >> shift & 63)]) }
            }
            let path = Fixtures.temporary("charsmap.json")
            let normalizer =
                #"{"type": "Precompiled", "precompiled_charsmap": "\#(String(decoding: base64, as: UTF8.self))"}"#
            try Fixtures.write(
                Array(wordPiece(#"{"[UNK]": 0}"#, rest: #""normalizer": \#(normalizer),"#).utf8), to: path)
            guard let tokenizer = try? Tokenizer(file: path) else { continue }
            _ = tokenizer.encode("any text é 中 \u{1F469}\u{200D}\u{1F4BB} at all")
        }
    }

    @Test("every truncation of a tokenizer.json is refused")
    func truncated() throws {
        let bytes = try Fixtures.read(Fixtures.golden.appending("suffix_tokenizer.json"))
        let path = Fixtures.temporary("truncated.json")
        for length in stride(from: 0, to: bytes.count, by: 97) {
            try Fixtures.write(Array(bytes[..<length]), to: path)
            #expect(throws: TokenizerError.self) { try Tokenizer(file: path) }
        }
    }

    @Test("a tokenizer.json with random bytes in it is read or refused, and never crashes")
    func mutated() throws {
        var random = SeededRandom(state: 1)
        let path = Fixtures.temporary("mutated.json")
        for name in PipelineTests.names where name != "unigram" {
            let bytes = try Fixtures.read(Fixtures.golden.appending("\(name)_tokenizer.json"))
            for _ in 0..<40 {
                var broken = bytes
                for _ in 0..<Int.random(in: 1...8, using: &random) {
                    let place = Int.random(in: broken.indices, using: &random)
                    switch Int.random(in: 0..<4, using: &random) {
                    case 0: broken[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: broken.remove(at: place)
                    case 2: broken[place] = UInt8(ascii: "9")
                    default: broken.insert(broken[Int.random(in: broken.indices, using: &random)], at: place)
                    }
                }
                try Fixtures.write(broken, to: path)
                guard let tokenizer = try? Tokenizer(file: path) else { continue }
                let encoding = tokenizer.encode("A good graft heals – 37.5% <s> [UNK] 中é\u{301} ﬁ", pair: "x")
                _ = encoding.tokens
                _ = tokenizer.decode(encoding.ids)
            }
        }
    }

    @Test("a vocab.txt that is not UTF-8 names the byte")
    func invalidUTF8() throws {
        let path = Fixtures.temporary("vocab.txt")
        try Fixtures.write(Array("[UNK]\n[CLS]\n".utf8) + [0xFF, 0x0A], to: path)
        #expect(throws: TokenizerError.invalidUTF8(path, byte: 12)) { try Tokenizer(file: path) }
    }
}
