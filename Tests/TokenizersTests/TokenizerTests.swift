import JSON
import SystemPackage
import Testing
import Tokenizers

@Suite("Tokenizer with WordPiece")
struct TokenizerTests {
    @Test("a BERT tokenizer.json encodes as the reference does")
    func bertGolden() throws {
        let tokenizer = try Fixtures.tokenizer("bert_tokenizer.json")
        for record in try Fixtures.records("bert.jsonl") {
            let encoding = tokenizer.encode(
                try #require(record["text"]?.string), pair: record["pair"]?.string,
                addSpecialTokens: record["add_special_tokens"]?.bool ?? true)
            expectEqual(encoding, record)
        }
    }

    @Test("a bare vocab.txt gives the same encodings as the tokenizer.json")
    func vocabText() throws {
        let tokenizer = try Fixtures.tokenizer("bert_vocab.txt")
        for record in try Fixtures.records("bert.jsonl") {
            let encoding = tokenizer.encode(
                try #require(record["text"]?.string), pair: record["pair"]?.string,
                addSpecialTokens: record["add_special_tokens"]?.bool ?? true)
            expectEqual(encoding, record)
        }
    }

    @Test("where model_input_names leaves token types out, all tokens are of type 0", arguments: [true, false])
    func modelInputNames(hasTypes: Bool) throws {
        let directory = Fixtures.temporary("input-names-\(hasTypes)")
        try directory.makeDirectory()
        try Fixtures.write(
            Fixtures.read(Fixtures.golden.appending("bert_vocab.txt")), to: directory.appending("vocab.txt"))
        let names = hasTypes ? #"["input_ids","token_type_ids"]"# : #"["input_ids","attention_mask"]"#
        try Fixtures.write(
            Array(#"{"model_input_names":\#(names)}"#.utf8), to: directory.appending("tokenizer_config.json"))
        let encoding = try Tokenizer(directory: directory).encode("a", pair: "b")
        #expect(encoding.typeIDs == (hasTypes ? [0, 0, 0, 1, 1] : [0, 0, 0, 0, 0]))
    }

    @Test("windows over texts that are too long are those of the reference")
    func truncationGolden() throws {
        let tokenizer = try Fixtures.tokenizer("bert_tokenizer.json")
        for record in try Fixtures.records("bert_truncation.jsonl") {
            let truncation = Truncation(
                maxLength: try #require(record["max_length"]?.integer), stride: try #require(record["stride"]?.integer),
                side: try #require(record["side"]?.string.flatMap(Truncation.Side.init)),
                strategy: try #require(record["strategy"]?.string.flatMap(Truncation.Strategy.init)))
            let text = try #require(record["text"]?.string)
            let encoding = tokenizer.encode(text, pair: record["pair"]?.string, truncation: truncation)
            expectEqual(encoding, record)
            let overflowing = try #require(record["overflowing"]?.array)
            #expect(encoding.overflowing.count == overflowing.count)
            for (window, expected) in zip(encoding.overflowing, overflowing) { expectEqual(window, expected) }
            if record["pair"]?.string == nil {
                #expect(tokenizer.ids(text, truncation: truncation) == encoding.ids)
            }
        }
    }

    @Test("ids alone are the ids of the encoding")
    func idsOnly() throws {
        let tokenizer = try Fixtures.tokenizer("bert_tokenizer.json")
        for record in try Fixtures.records("bert.jsonl") where record["pair"] == nil {
            let text = try #require(record["text"]?.string)
            let special = record["add_special_tokens"]?.bool ?? true
            #expect(
                tokenizer.ids(text, addSpecialTokens: special) == tokenizer.encode(text, addSpecialTokens: special).ids)
        }
    }

    @Test("ids are appended to what the buffer holds")
    func appending() throws {
        let tokenizer = try Fixtures.tokenizer("bert_tokenizer.json")
        var ids: [Int32] = [7]
        let text = "the soup was cold"
        tokenizer.ids(
            ofUTF8: text.utf8Span.span, truncation: Truncation(maxLength: 4), appendingTo: &ids)
        #expect(ids == [7] + tokenizer.ids(text, truncation: Truncation(maxLength: 4)))
        #expect(ids.count == 5)
    }

    @Test("truncation keeps the special tokens")
    func truncationKeepsSpecialTokens() throws {
        let tokenizer = try Fixtures.tokenizer("bert_tokenizer.json")
        for length in 2..<9 {
            let ids = tokenizer.ids("a good graft heals within weeks", truncation: Truncation(maxLength: length))
            #expect(ids.count == length)
            #expect(ids.first == tokenizer.clsID)
            #expect(ids.last == tokenizer.sepID)
        }
    }

    @Test("a batch equals its members, whatever the number of threads")
    func batches() throws {
        let tokenizer = try Fixtures.tokenizer("bert_tokenizer.json")
        let texts = try Fixtures.records("bert.jsonl").compactMap { $0["text"]?.string }
        let many = Array(repeatElement(texts, count: 40).joined())
        let expected = many.map { tokenizer.ids($0) }
        for threads in [1, 2, 5] {
            #expect(tokenizer.idsBatch(many, threads: threads) == expected)
            #expect(tokenizer.encodeBatch(many, threads: threads).map(\.ids) == expected)
        }
    }

    @Test("offsets point at the text they claim")
    func offsets() throws {
        let tokenizer = try Fixtures.tokenizer("bert_tokenizer.json")
        let text = "über den Zaun 中 é"
        let scalars = Array(text.unicodeScalars)
        let encoding = tokenizer.encode(text)
        for (token, range) in zip(encoding.tokens, encoding.offsets) where token == "uber" || token == "中" {
            #expect(scalars[range].count == (token == "中" ? 1 : 4))
        }
    }

    @Test("a file's own truncation and padding are told, not applied")
    func storedSettings() throws {
        var tree = try JSON(parsing: try Fixtures.read(Fixtures.golden.appending("bert_tokenizer.json"))).object
        tree?["truncation"] = .object([
            "max_length": .integer(4), "strategy": .string("OnlyFirst"), "stride": .integer(1),
            "direction": .string("Left"),
        ])
        tree?["padding"] = .object([
            "strategy": .object(["Fixed": .integer(128)]), "direction": .string("Right"), "pad_to_multiple_of": .null,
            "pad_id": .integer(0), "pad_type_id": .integer(0), "pad_token": .string("[PAD]"),
        ])
        let path = Fixtures.temporary("settings.json")
        try Fixtures.write(JSON.object(try #require(tree)).serialized(), to: path)
        let tokenizer = try Tokenizer(file: path)
        #expect(
            tokenizer.storedTruncation == Truncation(maxLength: 4, stride: 1, side: .left, strategy: .onlyFirst))
        #expect(tokenizer.storedPadding?.fixedLength == 128)
        #expect(tokenizer.encode("the soup was cold and nobody apologised").count > 6)
    }

    @Test("ids and tokens of the vocabulary and its special tokens")
    func vocabulary() throws {
        let tokenizer = try Fixtures.tokenizer("bert_tokenizer.json")
        #expect(tokenizer.id(of: "[MASK]") == 4)
        #expect(tokenizer.token(of: 4) == "[MASK]")
        #expect(tokenizer.id(of: "absent") == nil)
        #expect(tokenizer.token(of: 100_000) == nil)
        #expect(tokenizer.token(of: -1) == nil)
        #expect(tokenizer.padID == 0 && tokenizer.unkID == 1 && tokenizer.maskID == 4)
        #expect(tokenizer.specialTokenCount() == 2 && tokenizer.specialTokenCount(pair: true) == 3)
        #expect(tokenizer.vocabularySize == 400)
    }

    @Test("a directory without tokenizer files is refused")
    func emptyDirectory() {
        #expect(throws: TokenizerError.noTokenizerFile("/nonexistent")) { try Tokenizer(directory: "/nonexistent") }
    }
}
