import Embeddings
import Glibc
import JSON
import SystemPackage
import TestSupport
import Testing

/// Against fastText: `generate_word_classifiers.py`.
@Suite("FastTextClassifier")
struct FastTextClassifierTests {
    private static let directory = Golden.directory("word-classifiers")

    /// fastText adds 1e-5 to each probability, and takes a sigmoid from a table of 512 values.
    @Test(
        "labels and probabilities are fastText's",
        arguments: [
            ("word-vectors/supervised.bin", 1e-6, 1e-5), ("word-vectors/pruned.ftz", 1e-6, 1e-5),
            ("word-vectors/quantized.ftz", 1e-6, 1e-5), ("word-classifiers/hierarchical.bin", 6e-5, 0),
            ("word-classifiers/one-versus-all.bin", 8e-3, 0),
        ])
    func probabilities(name: String, tolerance: Double, added: Double) throws {
        let golden = try Golden.json(Self.directory)
        let classifier = try FastTextClassifier(Self.directory.removingLastComponent().appending(name))
        let answers = try #require(golden["models"]?[name]?.array)
        for (text, answer) in zip(try #require(golden["texts"]?.array), answers) {
            let words = try WordSplitting(.blanks).words(of: try #require(text.string))
            let logits = classifier.logits(words).map { Double($0) }
            let sum = logits.reduce(0) { $0 + exp($1) }
            let found = logits.map { classifier.isOneVersusAll ? 1 / (1 + exp(-$0)) : exp($0) / sum }
            for (label, probability) in zip(classifier.labels, found) {
                // Of hierarchical softmax fastText leaves out what is below 1e-5.
                let expected = (answer[label]?.number ?? 0) - (answer[label] == nil ? 0 : added)
                #expect(abs(probability - expected) < tolerance, "\(label) of \(words)")
            }
        }
    }

    @Test("what is no classifier is refused by name, and one that is cut")
    func badInput() throws {
        let scratch = try TemporaryDirectory()
        let text = try scratch.write("good 1 0\nbad 0 1\n", to: "v.txt")
        #expect(throws: WordVectorsError.noClassifier(text, found: "no model of fastText's")) {
            try FastTextClassifier(text)
        }
        let vectors = Golden.directory("word-vectors").appending("skipgram.bin")
        #expect(throws: WordVectorsError.noClassifier(vectors, found: "word vectors without labels")) {
            try FastTextClassifier(vectors)
        }
        let whole = try #require(contents(of: Self.directory.appending("hierarchical.bin")))
        for count in [whole.count - 1, whole.count / 2, 90] {
            let file = try scratch.write(Array(whole.prefix(count)), to: "cut-\(count).bin")
            #expect(throws: WordVectorsError.self) { try FastTextClassifier(file) }
        }
    }
}

@Suite("WordSplitting")
struct WordSplittingTests {
    @Test("blanks, Unicode's words, and these in lower case where the vectors are")
    func rules() throws {
        let text = "Don't  STOP,\tcafe\u{301}!"
        #expect(try WordSplitting(.blanks).words(of: text) == ["Don't", "STOP,", "cafe\u{301}!"])
        #expect(
            try WordSplitting(.unicode).words(of: text).map { Array($0.utf8) }
                == ["Don't", "STOP", "café"].map { Array($0.utf8) })
        #expect(try WordSplitting(.lowercase).words(of: text) == ["don't", "stop", "café"])
        let scratch = try TemporaryDirectory()
        let lower = try WordVectors(scratch.write("good 1 0\nbad 0 1\n", to: "lower.txt"))
        let cased = try WordVectors(scratch.write("good 1 0\nBad 0 1\n", to: "cased.txt"))
        #expect(lower.suitableRule == .lowercase && cased.suitableRule == .unicode)
    }
}
