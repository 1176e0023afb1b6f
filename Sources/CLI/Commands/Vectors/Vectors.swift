import ArgumentParser
import Embeddings
import SystemPackage

struct Vectors: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Use word vectors: neighbours, analogies, evaluation, conversion, training.",
        discussion: """
            FILE is told by its content: GloVe's or word2vec's text, fastText's .vec, word2vec's binary, fastText's \
            .bin and .ftz, or Graft's own format, which opens at once whatever its size (graft vectors convert). A spaCy \
            pipeline's folder is read too.

            A word is looked up as it is written. Where that fails, its n-grams make a vector if the model has them; \
            else it is looked up composed (Unicode's form C), and then in lower case. A record says so in "foundBy".
            """,
        subcommands: [
            Near.self, Analogy.self, EmbedVectors.self, EvaluateVectors.self, ConvertVectors.self, TrainVectors.self,
        ])
}

struct VectorsArgument: ParsableArguments {
    @Argument(help: "A file of word vectors, or a spaCy pipeline's folder.", completion: .file())
    var file: String

    /// Opens the file, and says what it holds.
    func open() throws(WordVectorsError) -> WordVectors {
        let vectors = try WordVectors(FilePath(file))
        StandardError.note("\(file): \(vectors.summary)")
        return vectors
    }
}

struct NeighborOptions: ParsableArguments {
    @Option(help: ArgumentHelp("How many words are given for each line.", valueName: "k"))
    var topK = 10

    @Option(help: ArgumentHelp("Look through the first n words of the file alone.", valueName: "n"))
    var limit: Int?

    func validate() throws {
        if !(1...10_000).contains(topK) { throw ValidationError("--top-k is \(topK); expected 1 to 10000.") }
        if let limit, limit < 1 { throw ValidationError("--limit is \(limit); expected at least 1.") }
    }
}
