import Embeddings
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("WordVectorSentences")
struct WordVectorSentencesTests {
    private let scratch: TemporaryDirectory
    private let vectors: WordVectors

    init() throws {
        scratch = try TemporaryDirectory()
        vectors = try WordVectors(scratch.write("good 1 0\nfilm 0 1\nthe 1 1\nbad -1 0.5\n", to: "v.txt"))
    }

    @Test("the mean of known words; zeros without any; Unicode's words, or what stands between blanks")
    func mean() throws {
        let sentences = try WordVectorSentences(vectors, .mean)
        let (found, words) = try sentences.embed(["Good film!", "nothing known", "", "the the film"])
        #expect(words == [2, 0, 0, 3])
        #expect(found.values.prefix(6) == [0.5, 0.5, 0, 0, 0, 0] && abs(found.values[6] - 2 / 3) < 1e-6)
        let blanks = try WordVectorSentences(vectors, .mean, splitsAtBlanks: true)
        #expect(try blanks.embed(["Good film!"]).words == [1])
    }

    @Test("tf-idf: weights of a hand-worked example")
    func tfIDF() throws {
        let found = try WordVectorSentences(vectors, .tfIDF).embed(["the good", "the film"]).vectors
        // "the" is in both texts: ln(3/3) + 1; "good" in one: ln(3/2) + 1.
        let (the, good): (Float, Float) = (1, 1.405_465_1)
        #expect(abs(found.values[0] - 1) < 1e-6 && abs(found.values[1] - the / (the + good)) < 1e-6)
    }

    @Test("SIF takes out the direction that all texts have in common")
    func sif() throws {
        let found = try WordVectorSentences(vectors, .sif).embed(["good film", "bad film", "the film", "good"]).vectors
        // In two dimensions what remains lies on one line.
        let (a, b) = (found.row(0), found.row(1))
        let cross = a[a.startIndex] * b[b.startIndex + 1] - a[a.startIndex + 1] * b[b.startIndex]
        #expect(abs(cross) < 1e-5 && found.values.contains { abs($0) > 1e-3 })
        let same = try WordVectorSentences(vectors, .sif).embed(["good", "good"]).vectors
        #expect(same.values.allSatisfy { abs($0) < 1e-6 })
    }

    @Test("SIF takes out a common direction whose values sum to 0")
    func balancedDirection() throws {
        let vectors = try WordVectors(scratch.write("a 1 -1\nb 2 -2\n", to: "balanced.txt"))
        let found = try WordVectorSentences(vectors, .sif).embed(["a", "b", "a b"]).vectors
        #expect(found.values.allSatisfy { abs($0) < 1e-6 })
    }

    @Test("SIF weighs a word that the model did not count as one that stood in its text once")
    func unknownFrequency() throws {
        let corpus = try WordCorpus(scratch.write("apple pear\nplum apple\n", to: "text"), minCount: 1)
        var configuration = WordVectorTrainingConfiguration()
        (configuration.dimension, configuration.hashing.buckets) = (8, 50)
        let training = WordVectorTraining(corpus, configuration)
        training.run { _ in }
        try training.write(.graft, to: scratch("v.gwv"))
        let vectors = try WordVectors(scratch("v.gwv"))
        let match = try #require(try vectors.find("apples"))
        let found = try WordVectorSentences(vectors, .sif).embed(["apples"]).vectors
        // Four words and two ends of lines.
        let weight: Float = 1e-3 / (1e-3 + 1 / 6)
        #expect(match.spelling == .subwords && corpus.tokens == 6)
        #expect(zip(found.values, match.vector).allSatisfy { abs($0 - weight * $1) < 1e-6 })
    }

    @Test(
        "a word of a fastText model whose vector is not a number is refused by name", arguments: SentenceMethod.allCases
    )
    func notFinite(_ method: SentenceMethod) throws {
        let golden = Golden.directory("word-vectors").appending("skipgram.bin")
        var bytes = try #require(contents(of: golden))
        let model = try WordVectors(golden)
        func integer(_ place: Int) -> Int { (0..<8).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) } }
        // The input matrix: rows of words and n-grams, columns, values.
        let matrix = try #require(
            (0..<bytes.count - 16).first { integer($0 + 8) == model.dimension && model.count...1 << 20 ~= integer($0) })
        let row = matrix + 16 + 4 * model.dimension
        bytes.replaceSubrange(row..<row + 4, with: [0, 0, 0xC0, 0x7F])
        let file = try scratch.write(bytes, to: "nan.bin")
        let sentences = try WordVectorSentences(WordVectors(file), method, splitsAtBlanks: true)
        let word = model.word(1)
        #expect(throws: WordVectorsError.notFinite(file, word: word)) { try sentences.embed(["\(word) and others"]) }
        #expect(try sentences.embed([model.word(2)]).words == [1])
    }
}
