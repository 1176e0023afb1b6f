import JSON
import SystemPackage
import Testing
import Tokenizers

@Suite("SentencePiece models")
struct SentencePieceTests {
    @Test("a bare model gives the library's own ids, without special tokens")
    func bare() throws {
        let tokenizer = try Fixtures.tokenizer("unigram.model")
        #expect(tokenizer.specialTokenCount() == 0)
        for record in try Fixtures.records("sentencepiece.jsonl") {
            let text = try #require(record["text"]?.string)
            let ids = try #require(record["ids"]?.integers).map { Int32($0) }
            #expect(tokenizer.ids(text) == ids, "\(text)")
            #expect(tokenizer.encode(text).ids == ids, "\(text)")
            #expect(Array(tokenizer.decode(ids).utf8) == Array((record["decoded"]?.string ?? "").utf8))
        }
    }

    @Test("an XLM-R directory with nothing but the model shifts ids and adds special tokens")
    func xlmRoberta() throws {
        let directory = Fixtures.temporary("xlmr")
        try directory.makeDirectory()
        try Fixtures.write(
            try Fixtures.read(Fixtures.golden.appending("unigram.model")),
            to: directory.appending("sentencepiece.bpe.model"))
        try Fixtures.write(
            Array(
                """
                {"tokenizer_class": "XLMRobertaTokenizer", "mask_token": {"content": "<mask>", "lstrip": true}}
                """.utf8), to: directory.appending("tokenizer_config.json"))
        let tokenizer = try Tokenizer(directory: directory)
        #expect(tokenizer.files.count == 2)
        for record in try Fixtures.records("unigram.jsonl") {
            let encoding = tokenizer.encode(try #require(record["text"]?.string), pair: record["pair"]?.string)
            expectEqual(encoding, record)
        }
    }

    @Test("a model directory of an unknown family is refused by name")
    func unknownFamily() throws {
        let directory = Fixtures.temporary("unknown")
        try directory.makeDirectory()
        let model = directory.appending("spiece.model")
        try Fixtures.write(try Fixtures.read(Fixtures.golden.appending("unigram.model")), to: model)
        try Fixtures.write(
            Array(#"{"tokenizer_class": "OtherTokenizer"}"#.utf8), to: directory.appending("tokenizer_config.json"))
        #expect(
            throws: TokenizerError.unsupportedPiece(model, stage: "tokenizer_class", type: "OtherTokenizer")
        ) { try Tokenizer(directory: directory) }
    }

    @Test("truncated and corrupted models are refused or read, and nothing crashes")
    func corrupted() throws {
        let bytes = try Fixtures.read(Fixtures.golden.appending("unigram.model"))
        let path = Fixtures.temporary("corrupted.model")
        var random = SeededRandom(state: 1)
        for round in 0..<60 {
            var broken = Array(bytes[..<(round % 2 == 0 ? Int.random(in: 0..<bytes.count, using: &random) : 4000)])
            for _ in 0..<(round % 5) where !broken.isEmpty {
                broken[Int.random(in: broken.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            try Fixtures.write(broken, to: path)
            if let tokenizer = try? Tokenizer(file: path) { _ = tokenizer.encode("a good graft heals") }
        }
    }
}
