import JSON
import SystemPackage
import Testing
import Tokenizers

@Suite("Vocabulary training")
struct TrainingTests {
    static let corpus = """
        the gardener grafts a young pear onto an old quince and waits for spring
        a good graft heals within weeks and a bad one dries out before summer
        she wrote a long review of the film and called it tender slow and honest
        zwölf größere Äpfel fallen über den Zaun und rollen die Straße hinab
        readers reader reads reread readable unreadable reading
        """

    private func trained(_ trainer: VocabularyTrainer) throws -> (tokenizer: Tokenizer, directory: FilePath) {
        let directory = Fixtures.temporary("trained")
        try directory.makeDirectory()
        let corpus = directory.appending("corpus.txt")
        let text = String(repeating: Self.corpus + "\n", count: 40)
        try Fixtures.write(Array(text.utf8), to: corpus)
        try trainer.train([corpus], output: directory)
        return (try Tokenizer(directory: directory), directory)
    }

    @Test(
        "a trained vocabulary has the size asked for and covers its corpus", arguments: VocabularyTrainer.Kind.allCases)
    func covers(kind: VocabularyTrainer.Kind) throws {
        let size = kind == .bytePairEncoding ? 350 : 150
        let (tokenizer, _) = try trained(VocabularyTrainer(kind: kind, vocabularySize: size))
        #expect(tokenizer.vocabularySize <= size + 1)
        let ids = tokenizer.ids("a young reader grafts the pear")
        #expect(!ids.contains(try #require(tokenizer.unkID)))
        #expect(ids.first == tokenizer.clsID && ids.last == tokenizer.sepID)
        #expect(ids.count < 26)
    }

    @Test("the same corpus gives the same files", arguments: [VocabularyTrainer.Kind.wordPiece, .bytePairEncoding])
    func deterministic(kind: VocabularyTrainer.Kind) throws {
        let trainer = VocabularyTrainer(kind: kind, vocabularySize: 320)
        let first = try trained(trainer).directory
        let second = try trained(trainer).directory
        #expect(
            try Fixtures.read(first.appending("tokenizer.json")) == Fixtures.read(second.appending("tokenizer.json")))
    }

    @Test("a lowercased byte-level vocabulary names a class that keeps its normalizer", arguments: [true, false])
    func classOfByteLevel(lowercase: Bool) throws {
        let trainer = VocabularyTrainer(kind: .bytePairEncoding, vocabularySize: 320, lowercase: lowercase)
        let bytes = try Fixtures.read(try trained(trainer).directory.appending("tokenizer_config.json"))
        let name = try JSON(parsing: bytes)["tokenizer_class"]?.string
        #expect(name == (lowercase ? "PreTrainedTokenizerFast" : "RobertaTokenizer"))
    }

    @Test("an empty corpus is refused")
    func empty() throws {
        let corpus = Fixtures.temporary("empty.txt")
        try Fixtures.write([], to: corpus)
        #expect(throws: TokenizerError.training(reason: "the corpus is empty")) {
            try VocabularyTrainer(kind: .wordPiece, vocabularySize: 100).train([corpus], output: "/tmp")
        }
    }
}
