import Embeddings
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Against fastText and gensim: tiny models of their own, made by `generate_word_vectors.py`.
@Suite("WordVectors")
struct WordVectorsTests {
    private static let directory = Golden.directory("word-vectors")
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func difference(_ found: [Float], _ expected: JSON) -> Double {
        let expected = expected.numbers
        guard found.count == expected.count else { return .infinity }
        return zip(found, expected).reduce(0) { max($0, abs(Double($1.0) - $1.1)) }
    }

    private func check(_ vectors: WordVectors, _ golden: JSON) throws {
        let words = try #require(golden["words"]?.object?.members)
        #expect(vectors.count == words.count && words.count > 20)
        // In models of 2016 the end of a line has n-grams.
        let isOld = vectors.path.string.contains("2016")
        for (row, word) in words.enumerated() where !(isOld && word.key == "</s>") {
            #expect(vectors.word(row) == word.key)
            let match = try #require(try vectors.find(word.key))
            #expect(match.row == row && match.spelling == .word)
            #expect(difference(match.vector, word.value) < 1e-6, "\(word.key)")
        }
        for word in try #require(golden["unknown"]?.object?.members) where vectors.row(of: word.key) == nil {
            let match = try vectors.find(word.key)
            let isNothing = word.value.numbers.allSatisfy { $0 == 0 }
            #expect((match == nil) == isNothing, "\(word.key)")
            guard let match else { continue }
            #expect(match.row == nil && match.spelling == .subwords)
            #expect(difference(match.vector, word.value) < 1e-6, "\(word.key)")
        }
    }

    @Test(
        "vectors of words, unknown ones too, equal fastText's, and stay so in our own format",
        arguments: ["skipgram.bin", "supervised.bin", "pruned.ftz", "quantized.ftz"])
    func fastText(name: String) throws {
        let golden = try #require(try Golden.json(Self.directory)[name])
        let vectors = try WordVectors(Self.directory.appending(name))
        #expect(vectors.format == .fastText)
        try check(vectors, golden)
        try vectors.write(.graft, to: scratch("v.gwv"))
        let written = try WordVectors(scratch("v.gwv"))
        #expect(written.format == .graft)
        try check(written, golden)
        let nearest = try written.nearest(
            to: [try #require(try written.find("king")).vector], k: 4,
            excluding: [[written.row(of: "king")].compactMap { $0 }])
        for (found, expected) in zip(nearest[0], golden["neighbors"]?.array ?? []) {
            #expect(written.word(Int(found.row)) == expected.array?[0].string)
            #expect(abs(Double(found.score) - (expected.array?[1].number ?? 0)) < 1e-6)
        }
    }

    @Test("a model without magic number, of 2016, is read")
    func oldFormat() throws {
        let golden = try #require(try Golden.json(Self.directory)["skipgram.bin"])
        try check(try WordVectors(Self.directory.appending("skipgram-2016.bin")), golden)
    }

    @Test(
        "converted to a fastText model, words and unknown words keep their vectors; also from our own format",
        arguments: ["skipgram.bin", "supervised.bin", "quantized.ftz"])
    func toFastText(name: String) throws {
        let golden = try #require(try Golden.json(Self.directory)[name])
        let vectors = try WordVectors(Self.directory.appending(name))
        try vectors.write(.fastText, to: scratch("v.bin"))
        let written = try WordVectors(scratch("v.bin"))
        #expect(written.format == .fastText)
        try check(written, golden)
        try vectors.write(.graft, to: scratch("v.gwv"))
        try WordVectors(scratch("v.gwv")).write(.fastText, to: scratch("w.bin"))
        try check(try WordVectors(scratch("w.bin")), golden)
        #expect(contents(of: scratch("w.bin"))?.count == contents(of: scratch("v.bin"))?.count)
    }

    @Test("of a pruned model's words fastText's keep their vectors, unknown words the direction of theirs")
    func prunedToFastText() throws {
        let vectors = try WordVectors(Self.directory.appending("pruned.ftz"))
        try vectors.write(.graft, to: scratch("v.gwv"))
        for source in [vectors, try WordVectors(scratch("v.gwv"))] {
            try source.write(.fastText, to: scratch("v.bin"))
            let written = try WordVectors(scratch("v.bin"))
            for row in 0..<vectors.count {
                let (found, expected) = (try written.vector(row: row), try vectors.vector(row: row))
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 }, "\(vectors.word(row))")
            }
            let expected = try #require(try vectors.find("kings"))
            let found = try #require(try written.find("kings"))
            #expect(expected.spelling == .subwords && found.spelling == .subwords)
            #expect(abs(WordVectors.cosine(found.vector, expected.vector) - 1) < 1e-5)
        }
    }

    @Test("the end of a line of a model of 2016, which has n-grams there, keeps its vector in a fastText model")
    func oldToFastText() throws {
        let vectors = try WordVectors(Self.directory.appending("skipgram-2016.bin"))
        try vectors.write(.fastText, to: scratch("v.bin"))
        let written = try WordVectors(scratch("v.bin"))
        #expect(vectors.row(of: "</s>") == 0)
        for row in 0..<vectors.count { #expect(try written.vector(row: row) == vectors.vector(row: row)) }
    }

    @Test("plain vectors in a fastText model: words with blanks too, no vector for others, a count of 1; no zero bytes")
    func plainToFastText() throws {
        let file = try scratch.write("</s> 1 2\nNew York 3 -4\nnaïve 0 0.5\n", to: "v.txt")
        try WordVectors(file).write(.fastText, to: scratch("v.bin"))
        let written = try WordVectors(scratch("v.bin"))
        #expect(written.format == .fastText && written.count == 3)
        for (word, vector) in [("</s>", [1, 2]), ("New York", [3, -4]), ("naïve", [0, 0.5])] as [(String, [Float])] {
            #expect(try written.find(word)?.vector == vector)
        }
        #expect(try written.find("new") == nil && !written.summary.contains("n-grams"))
        // What fastText's own library reads: see `check_word_vectors.py`.
        let bytes = try #require(contents(of: scratch("v.bin")))
        func integer(_ place: Int) -> Int32 {
            (0..<4).reduce(0) { $0 | Int32(bytes[4 * place + $1]) << Int32(8 * $1) }
        }
        // magic, version, dim, ws, epoch, minCount, neg, wordNgrams, loss (ns), model (skip-gram), bucket, minn, maxn
        #expect((0..<13).map(integer) == [793_712_314, 12, 2, 5, 5, 1, 5, 1, 2, 2, 0, 0, 0])
        #expect((16..<19).map(integer) == [3, 3, 0] && integer(19) == 3)
        let bad = try scratch.write("a 3 4\na\0b 1 2\n", to: "zero.txt")
        #expect(throws: WordVectorsError.unwritableWord(bad, word: "a\0b")) {
            try WordVectors(bad).write(.fastText, to: scratch("zero.bin"))
        }
        #expect(!scratch.names.contains("zero.bin"))
    }

    @Test("every format gives the same vectors, and is told by its content")
    func formats() throws {
        let binary = try WordVectors(Self.directory.appending("vectors.bin"))
        let text = try WordVectors(Self.directory.appending("vectors.txt"))
        #expect(binary.format == .word2vecBinary && text.format == .glove && binary.count == 68)
        for format in WordVectors.OutputFormat.allCases {
            try binary.write(format, to: scratch("same-name"))
            let written = try WordVectors(scratch("same-name"))
            #expect(written.format.rawValue == format.rawValue)
            for row in 0..<binary.count {
                #expect(written.word(row) == binary.word(row) && text.word(row) == binary.word(row))
                let vector = try binary.vector(row: row)
                #expect(try written.vector(row: row) == vector && text.vector(row: row) == vector)
            }
        }
    }

    @Test("a word that is not there is composed, then put in lower case")
    func spellings() throws {
        let vectors = try WordVectors(Self.directory.appending("vectors.txt"))
        #expect(try vectors.find("cafe\u{301}")?.spelling == .nfc)
        #expect(try vectors.find("CAFE\u{301}")?.spelling == .lowercase)
        #expect(try vectors.find("W5")?.row == vectors.row(of: "w5") && vectors.find("W3")?.spelling == .word)
        #expect(try vectors.find("nothing") == nil)
    }

    @Test("of rows with the same word the first counts; words with blanks, carriage returns and tabs are read")
    func oddLines() throws {
        let file = try scratch.write("a 1 2\r\nb\t3\t4\na 5 6\nNew York 7 -8e-1 \n\n", to: "v.txt")
        let vectors = try WordVectors(file)
        #expect(vectors.count == 3 && vectors.duplicates == 1 && vectors.withBlanks == 1)
        #expect(vectors.summary.contains("1 row left out") && vectors.summary.contains("1 word with blanks"))
        #expect(try vectors.vector(row: 0) == [1, 2] && vectors.find("New York")?.vector == [7, -0.8])
        #expect(throws: WordVectorsError.unwritableWord(file, word: "New York")) {
            try vectors.write(.word2vec, to: scratch("w"))
        }
        #expect(!scratch.names.contains("w"))
        try vectors.write(.graft, to: scratch("w"))
        #expect(try WordVectors(scratch("w")).find("New York")?.vector == [7, -0.8])
    }

    @Test("numbers in text are those that the C library reads")
    func numbers() throws {
        for text in ["0", "-0.0", "1", "+2.5", "0.418", "-1e-3", "123456789012345678", "1.17549435e-38", ".5", "3e38"] {
            let vectors = try WordVectors(scratch.write("a 1 \(text)\n", to: "n"))
            #expect(try vectors.vector(row: 0)[1] == Float(text), "\(text)")
        }
        for text in ["-", "x", "1x", "0x10", "--1", "e5", "1e"] {
            let file = try scratch.write("a 1 2\nb 1 \(text)\n", to: "n")
            #expect(throws: WordVectorsError.notANumber(file, line: 2, text: text)) { try WordVectors(file) }
        }
    }

    @Test(
        "vectors of sentences equal fastText's",
        arguments: ["skipgram.bin", "supervised.bin", "pruned.ftz", "quantized.ftz"])
    func sentences(name: String) throws {
        let golden = try Golden.json(Self.directory)
        let texts = (golden["texts"]?.array ?? []).compactMap(\.string)
        let vectors = try WordVectors(Self.directory.appending(name))
        let found = try WordVectorSentences(vectors, .fastText).embed(texts).vectors
        let expected = try #require(golden[name]?["sentences"]?.array)
        #expect(expected.count == texts.count && texts.count == 5)
        for (row, expected) in expected.enumerated() {
            #expect(difference(Array(found.row(row)), expected) < 1e-6, "\(texts[row])")
        }
    }
}
