import Checkpoints
import Embeddings
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("StaticDistillation")
struct StaticDistillationTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    /// The vectors of single tokens, as the table has them.
    private func vectors(_ path: FilePath, _ words: [String]) throws -> Tensor {
        let encoder = try SentenceEncoder(ModelDirectory(path))
        #expect(encoder.normalizes)
        encoder.normalizes = false
        return encoder.embed(words.map(encoder.ids))
    }

    private func distances(_ vectors: Tensor) -> [Float] {
        (0..<vectors.rows).flatMap { i in
            Similarity.euclidean.ofRows(
                vectors, Tensor(rows: Array(repeating: vectors.rows(i..<i + 1), count: vectors.rows)))
        }
    }

    private static let words = ["film", "plot", "good", "bad", "the"]

    @Test("all components keep what the encoder says of tokens: their distances from one another")
    func distances() throws {
        let base = try TinyModel.make(in: scratch, named: "m")
        var options = StaticDistillation.Options()
        options.dimensions = 32
        options.sif = 0
        let distilled = try StaticDistillation(ModelDirectory(base), options)
        #expect(distilled.dimensions == 32 && abs(distilled.keptVariance - 1) < 1e-4)
        try distilled.write(to: scratch("static"), name: "m")
        let encoder = try SentenceEncoder(ModelDirectory(base))
        let expected = distances(encoder.embed(Self.words.map(encoder.ids)))
        let found = distances(try vectors(scratch("static"), Self.words))
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-4 * max(1, abs($1)) })
    }

    @Test("fewer components keep the most of the variance, and frequent tokens count less")
    func components() throws {
        let base = try TinyModel.make(in: scratch, named: "m")
        var options = StaticDistillation.Options()
        options.dimensions = 6
        options.sif = 0
        let plain = try StaticDistillation(ModelDirectory(base), options)
        #expect(plain.dimensions == 6 && plain.keptVariance > 6.0 / 32 && plain.keptVariance < 1)
        try plain.write(to: scratch("plain"), name: "m")
        options.sif = 1e-2
        try StaticDistillation(ModelDirectory(base), options).write(to: scratch("weighted"), name: "m")
        let (a, b) = (try vectors(scratch("plain"), Self.words), try vectors(scratch("weighted"), Self.words))
        let shares = (0..<Self.words.count).map { row in
            (b.rows(row..<row + 1).sumOfSquares / a.rows(row..<row + 1).sumOfSquares).squareRoot()
        }
        // In the order of the vocabulary: the, film, good, bad, plot.
        #expect(shares[4] < shares[0] && shares[0] < shares[2] && shares[2] < shares[3] && shares[3] < shares[1])
        #expect(shares.allSatisfy { $0 > 0 && $0 < 1 })
    }

    @Test("static embeddings are not distilled again")
    func refusal() throws {
        let base = try TinyModel.make(in: scratch, named: "m")
        try StaticDistillation(ModelDirectory(base)).write(to: scratch("static"), name: "m")
        #expect(throws: ModelError.staticEmbeddings(scratch("static"), option: "distillation")) {
            try StaticDistillation(ModelDirectory(scratch("static")))
        }
    }

    @Test("what sentence-transformers' do_lower_case asks for is done by the tokenizer that is written")
    func lowercase() throws {
        let base = try TinyModel.make(in: scratch, named: "m")
        try scratch.write(#"{"max_seq_length":20,"do_lower_case":true}"#, to: "m/sentence_bert_config.json")
        let settings = base.appending("sentence_bert_config.json")
        // A vocab.txt alone cannot say it.
        #expect(
            throws: ModelError.checkpoint(
                .invalidValue(
                    settings, key: "do_lower_case", found: "true",
                    expected: "false where there is no tokenizer.json, which alone could say so of a static model"))
        ) { try StaticDistillation(ModelDirectory(base)) }

        let tokens = TinyModel.vocabulary.enumerated().map { "\"\($0.element)\":\($0.offset)" }.joined(separator: ",")
        for (normalizer, name) in [("null", "plain"), (#"{"type":"StripAccents"}"#, "normalized")] {
            try scratch.write(
                """
                {"version":"1.0","added_tokens":[],"normalizer":\(normalizer),"pre_tokenizer":{"type":"Whitespace"},
                "post_processor":{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]},
                "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
                "max_input_chars_per_word":100,"vocab":{\(tokens)}}}
                """, to: "m/tokenizer.json")
            let distilled = try StaticDistillation(ModelDirectory(base))
            try distilled.write(to: scratch(name), name: "m")
            let vectors = try vectors(scratch(name), ["film", "FILM", "plot"])
            #expect(vectors.row(0) == vectors.row(1) && vectors.row(0) != vectors.row(2))
        }
    }
}
