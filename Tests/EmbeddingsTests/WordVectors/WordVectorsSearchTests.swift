import Embeddings
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Against gensim's `KeyedVectors`, on files made by `generate_word_vectors.py`.
@Suite("WordVectors: search and evaluation")
struct WordVectorsSearchTests {
    private static let directory = Golden.directory("word-vectors")
    private let vectors: WordVectors
    private let golden: JSON
    private let scratch: TemporaryDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        vectors = try WordVectors(Self.directory.appending("vectors.bin"))
        golden = try #require(try Golden.json(Self.directory)["keyed"])
    }

    private func check(_ found: [RankedRow], _ name: String, in vectors: WordVectors? = nil) throws {
        let expected = try #require(golden[name]?.array)
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) {
            #expect((vectors ?? self.vectors).word(Int(found.row)) == expected.array?[0].string)
            #expect(abs(Double(found.score) - (expected.array?[1].number ?? 0)) < 1e-6)
        }
    }

    @Test("neighbours equal gensim's: alone, among many queries, and among the first words")
    func nearest() throws {
        let row = try #require(vectors.row(of: "w3"))
        let query = try vectors.vector(row: row)
        try check(vectors.nearest(to: [query], k: 5, excluding: [[row]])[0], "neighbors")
        let many = try vectors.nearest(
            to: [[Float]](repeating: query, count: 70), k: 5, excluding: [[Int]](repeating: [row], count: 70))
        for found in many { try check(found, "neighbors") }
        try check(vectors.nearest(to: [query], k: 5, excluding: [[row]], words: 20)[0], "limited")
    }

    @Test("analogies equal gensim's, by sum and by product")
    func analogy() throws {
        func match(_ word: String) throws -> WordVectors.Match { try #require(try vectors.find(word)) }
        let question = (a: try match("Athens"), b: try match("Greece"), c: try match("Baghdad"))
        try check(vectors.analogy([question], k: 5)[0], "add")
        try check(vectors.analogy([question], k: 5, method: .multiply)[0], "multiply")
    }

    @Test("many analogies by product: each has the answers that it has alone, which are those of a plain computation")
    func manyAnalogies() throws {
        func match(_ row: Int) throws -> WordVectors.Match { try #require(try vectors.find(vectors.word(row))) }
        let questions = try (0..<50).map { (a: try match($0), b: try match($0 + 7), c: try match($0 + 18)) }
        for words in [nil, 40] {
            let found = try vectors.analogy(questions, k: 4, method: .multiply, words: words)
            #expect(found.count == questions.count)
            for (question, found) in zip(questions, found) {
                let alone = try vectors.analogy([question], k: 4, method: .multiply, words: words)[0]
                #expect(found == alone)
                let asked = [question.a.row, question.b.row, question.c.row]
                let scores = try (0..<(words ?? vectors.count)).filter { !asked.contains($0) }.map { row -> Float in
                    let vector = try vectors.vector(row: row)
                    func shifted(_ other: [Float]) -> Float { (1 + WordVectors.cosine(vector, other)) / 2 }
                    return shifted(question.b.vector) * shifted(question.c.vector)
                        / (shifted(question.a.vector) + 1e-6)
                }.sorted(by: >)
                #expect(found.count == 4)
                #expect(zip(found, scores).allSatisfy { abs($0.score - $1) < 1e-4 * max(1, $1) })
            }
        }
    }

    @Test("many rows: the best over all parts, of equal scores the first row")
    func manyRows() throws {
        let random = RandomSource(seed: 3)
        let count = 9000
        var lines = "\(count) 3\n"
        for row in 0..<count {
            lines +=
                "w\(row) \(row % 4500 == 7 ? "1 0 0" : "\(random.normal()) \(random.normal()) \(random.normal())")\n"
        }
        let vectors = try WordVectors(scratch.write(lines, to: "many.txt"))
        let queries: [[Float]] = [[2, 0, 0], [0, 1, 0], [0.3, -1, 0.5], [1, 1, 1], [-1, 0.5, 0.1], [0, 0, -1]]
        for count in [1, queries.count] {
            let found = try vectors.nearest(
                to: Array(queries[..<count]), k: 3, excluding: [[Int]](repeating: [], count: count))
            #expect(found[0][0].row == 7 && found[0][1].row == 4507 && abs(found[0][0].score - 1) < 1e-6)
            for (query, found) in zip(queries, found) {
                let scores = try (0..<vectors.count).map { WordVectors.cosine(query, try vectors.vector(row: $0)) }
                let best = scores.indices.sorted { scores[$0] > scores[$1] }.prefix(3)
                #expect(zip(best, found).allSatisfy { abs(scores[$0] - $1.score) < 1e-5 })
            }
        }
    }

    @Test("correlations with judgements equal gensim's")
    func pairs() throws {
        let pairs = try WordSimilarity(Self.directory.appending("pairs.tsv"))
        #expect(pairs.pairs.count == 40 && pairs.skipped == 1)
        let result = try pairs.evaluate(vectors)
        let expected = try #require(golden["pairs"])
        #expect(abs((result.spearman ?? 0) - (expected["spearman"]?.number ?? 9)) < 1e-6)
        #expect(abs((result.pearson ?? 0) - (expected["pearson"]?.number ?? 9)) < 1e-6)
        #expect(abs(100 * Double(40 - result.covered) / 40 - (expected["unknown"]?.number ?? 9)) < 1e-9)
        let all = try pairs.evaluate(vectors, countsUnknown: true)
        #expect(abs((all.spearman ?? 0) - (golden["allPairs"]?["spearman"]?.number ?? 9)) < 1e-6)
    }

    @Test("accuracy of analogies equals gensim's, section by section; tables with tabs are read too")
    func analogies() throws {
        let questions = try WordAnalogies(Self.directory.appending("analogies.txt"))
        #expect(questions.skipped == 1)
        let (sections, total) = try questions.evaluate(vectors)
        let expected = try #require(golden["analogies"]?.array?.dropLast())
        #expect(sections.count == expected.count)
        for (section, expected) in zip(sections, expected) {
            let (correct, wrong) = (expected.array?[1].integer ?? -1, expected.array?[2].integer ?? -1)
            #expect(section.name == expected.array?[0].string)
            #expect(section.correct == correct && section.covered == correct + wrong)
        }
        #expect(abs((total.accuracy() ?? 0) - (golden["accuracy"]?.number ?? 9)) < 1e-12)
        #expect(total.questions == 7 && (total.accuracy(countsUnknown: true) ?? 1) < (total.accuracy() ?? 0))
        let table = try scratch.write("section\ta\tb\tc\td\nx\tAthens\tGreece\tBaghdad\tIraq\n", to: "t.tsv")
        #expect(try WordAnalogies(table).evaluate(vectors).total.covered == 1)
    }

    @Test("files without questions or pairs are refused")
    func badFiles() throws {
        let file = try scratch.write("a b c\n", to: "bad")
        #expect(throws: WordVectorsError.self) { try WordSimilarity(file) }
        #expect(throws: WordVectorsError.self) { try WordAnalogies(file) }
        let zipped = try scratch.write([0x1F, 0x8B, 8], to: "zipped")
        #expect(throws: WordVectorsError.lacks(zipped, "compressed by gzip; unpack it with gunzip first")) {
            try WordSimilarity(zipped)
        }
    }
}
