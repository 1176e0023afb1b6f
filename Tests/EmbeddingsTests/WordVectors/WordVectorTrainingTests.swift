import Embeddings
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("WordVectorTraining")
struct WordVectorTrainingTests {
    private let scratch: TemporaryDirectory
    private let text: FilePath

    /// Words of two topics, which never meet.
    init() throws {
        scratch = try TemporaryDirectory()
        let topics = [
            ["apple", "pear", "plum", "cherry", "fruit"], ["train", "rail", "station", "engine", "track"],
        ]
        let random = RandomSource(seed: 4)
        var lines = ""
        for line in 0..<3000 {
            let words = topics[line % 2]
            lines += (0..<6).map { _ in words[Int(random.next() % 5)] }.joined(separator: " ") + "\n"
        }
        text = try scratch.write(lines + "rare\n", to: "text.txt")
    }

    private func configuration(_ model: WordVectorTrainingConfiguration.Model) -> WordVectorTrainingConfiguration {
        var configuration = WordVectorTrainingConfiguration()
        configuration.model = model
        configuration.dimension = 20
        configuration.subsampling = 1
        configuration.hashing.buckets = 500
        configuration.seed = 7
        return configuration
    }

    @Test(
        "words that share contexts come near one another, others do not; words and n-grams are kept",
        arguments: WordVectorTrainingConfiguration.Model.allCases)
    func learns(model: WordVectorTrainingConfiguration.Model) throws {
        let training = WordVectorTraining(try WordCorpus(text, minCount: 5), configuration(model))
        training.run { _ in }
        try training.write(.graft, to: scratch("v.gwv"))
        let vectors = try WordVectors(scratch("v.gwv"))
        #expect(vectors.count == 11 && vectors.row(of: "rare") == nil && vectors.word(0) == "</s>")
        func similarity(_ a: String, _ b: String) throws -> Float {
            WordVectors.cosine(try #require(try vectors.find(a)).vector, try #require(try vectors.find(b)).vector)
        }
        #expect(try similarity("apple", "pear") > similarity("apple", "train") + 0.7)
        #expect(try similarity("rail", "track") > similarity("rail", "plum") + 0.7)
        #expect(try vectors.find("apples")?.spelling == .subwords)
    }

    @Test("a fastText model, our format and text hold the same vectors, of unknown words too")
    func formats() throws {
        let training = WordVectorTraining(try WordCorpus(text, minCount: 5), configuration(.skipgram))
        training.run { _ in }
        for format in WordVectors.OutputFormat.allCases {
            try training.write(format, to: scratch(format.rawValue))
        }
        let own = try WordVectors(scratch("graft"))
        for format in WordVectors.OutputFormat.allCases {
            let vectors = try WordVectors(scratch(format.rawValue))
            #expect(vectors.format.rawValue == format.rawValue && vectors.count == own.count)
            for row in 0..<own.count {
                let difference = zip(try vectors.vector(row: row), try own.vector(row: row)).map { abs($0 - $1) }.max()
                #expect(vectors.word(row) == own.word(row) && (difference ?? 1) < 1e-6)
            }
        }
        // fastText divides by all n-grams of a word, those that the text does not have included.
        let model = try WordVectors(scratch("fasttext"))
        let cosine = WordVectors.cosine(
            try #require(try model.find("applepear")).vector, try #require(try own.find("applepear")).vector)
        #expect(abs(cosine - 1) < 1e-5)
        // Our format converted to fastText's has all that the trained model has but what only training reads.
        try own.write(.fastText, to: scratch("converted"))
        let converted = try WordVectors(scratch("converted"))
        for word in (0..<own.count).map(own.word) + ["applepear"] {
            let (found, expected) = (try #require(try converted.find(word)), try #require(try model.find(word)))
            #expect(found.row == expected.row && found.spelling == expected.spelling)
            #expect(zip(found.vector, expected.vector).allSatisfy { abs($0 - $1) < 1e-6 }, "\(word)")
        }
        let (first, second) = (contents(of: scratch("converted")), contents(of: scratch("fasttext")))
        #expect(first != nil && first?.count == second?.count)
    }

    @Test("the same seed gives the same bytes, another seed others")
    func seeds() throws {
        func bytes(_ seed: UInt64) throws -> [UInt8]? {
            var configuration = configuration(.skipgram)
            configuration.seed = seed
            configuration.epochs = 1
            let training = WordVectorTraining(try WordCorpus(text, minCount: 5), configuration)
            training.run { _ in }
            try training.write(.graft, to: scratch("v"))
            return contents(of: scratch("v"))
        }
        let first = try bytes(1)
        #expect(try first != nil && bytes(1) == first && bytes(2) != first)
    }

    @Test("the loss of a short text is reported at the end")
    func shortText() throws {
        let file = try scratch.write("one two three\none two four\n", to: "short.txt")
        let training = WordVectorTraining(try WordCorpus(file, minCount: 1), configuration(.skipgram))
        var reports: [WordVectorTraining.Progress] = []
        training.run { reports.append($0) }
        #expect(reports.count == 1 && reports[0].fraction == 1 && reports[0].loss > 0.1)
    }

    @Test("a text without a frequent word is refused")
    func nothingToLearn() throws {
        let file = try scratch.write("a b c\n", to: "short.txt")
        #expect(throws: WordVectorsError.self) { try WordCorpus(file, minCount: 5) }
        #expect(throws: WordVectorsError.self) { try WordCorpus(scratch.write("", to: "empty"), minCount: 1) }
    }
}
