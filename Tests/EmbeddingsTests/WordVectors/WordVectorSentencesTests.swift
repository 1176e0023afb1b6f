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
        let (found, words) = sentences.embed(["Good film!", "nothing known", "", "the the film"])
        #expect(words == [2, 0, 0, 3])
        #expect(found.values.prefix(6) == [0.5, 0.5, 0, 0, 0, 0] && abs(found.values[6] - 2 / 3) < 1e-6)
        let blanks = try WordVectorSentences(vectors, .mean, splitsAtBlanks: true)
        #expect(blanks.embed(["Good film!"]).words == [1])
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
}
