import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Tokenizers

@Suite("SentenceEncoder")
struct SentenceEncoderTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    @Test("vectors do not depend on the other texts, bit for bit")
    func company() throws {
        let encoder = try SentenceEncoder(ModelDirectory(TinyModel.make(in: scratch, named: "m")))
        let texts = ["the film was good", "bad", "", "a very warm plot, not dull!", "the film was good"]
        let ids = texts.map { encoder.tokenizer.ids($0) }
        let together = encoder.embed(ids)
        #expect(together.shape == [5, 32])
        for (index, text) in ids.enumerated() {
            #expect(encoder.embed([text]).isSameRows(as: together.rows(index..<index + 1)))
        }
        let many = encoder.embed((0..<300).map { ids[$0 % 5] })
        #expect(
            (0..<300).allSatisfy { index in
                many.rows(index..<index + 1).isSameRows(as: together.rows(index % 5..<index % 5 + 1))
            })
        #expect(encoder.embed([]).shape == [0, 32])
    }

    @Test("a tokenizer with more tokens than the model has vectors is refused")
    func vocabulary() throws {
        let path = try TinyModel.make(in: scratch, named: "m")
        let vocabulary = String(decoding: try #require(contents(of: path.appending("vocab.txt"))), as: UTF8.self)
        try scratch.write(vocabulary + "more\n", to: "m/vocab.txt")
        #expect(
            throws: ModelError.checkpoint(
                .invalidValue(
                    path.appending("config.json"), key: "vocab_size", found: "120",
                    expected: "at least 121, the size of the tokenizer's vocabulary"))
        ) { try SentenceEncoder(ModelDirectory(path)) }
    }

    @Test(
        "all-MiniLM-L6-v2's vectors of 200 sentences equal transformers' within 1e-5",
        .enabled(if: defaultModel != nil, "all-MiniLM-L6-v2 is not in the store: run graft fetch all-MiniLM-L6-v2"))
    func realModel() throws {
        let encoder = try SentenceEncoder(#require(defaultModel))
        let golden = Golden.directory("minilm-embeddings")
        let file = Golden.root.appending("corpora/sentences-200.txt")
        let sentences = String(decoding: try #require(contents(of: file)), as: UTF8.self).split(separator: "\n")
        #expect(sentences.count == 200)
        let ids = sentences.map { encoder.ids(String($0)) }
        let expected = try Golden.npy(golden.appending("vectors.npy"))
        #expect(encoder.embed(ids).largestDifference(from: expected) < 1e-5)
    }
}

private let defaultModel = try? ModelStore().resolve("all-MiniLM-L6-v2")
