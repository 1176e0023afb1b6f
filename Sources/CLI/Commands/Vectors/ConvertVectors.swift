public import ArgumentParser
import Checkpoints
public import Embeddings
import SystemPackage

struct ConvertVectors: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write word vectors in another format.",
        discussion: """
            graft: our own, which is mapped and opens at once; fasttext: a .bin that fastText's own library reads. \
            Both keep counts and the vectors of n-grams, so that unknown words still have a vector. The other formats \
            hold the words' vectors alone. A file of ours is checked against its SHA-256 when it is converted.

            Examples:
              graft vectors convert cc.en.300.bin english.gwv
              graft vectors convert glove.6B.50d.txt glove.bin --to fasttext
            """)

    @OptionGroup var vectors: VectorsArgument
    @OptionGroup var threads: ThreadOption

    @Argument(help: "The file to write; it must not exist.", completion: .file())
    var output: String

    @Option(help: "How it is written: \(WordVectors.OutputFormat.allCases.map(\.rawValue).joined(separator: ", ")).")
    var to = WordVectors.OutputFormat.graft

    func validate() throws { try requireFile(output, "OUTPUT") }

    func run() throws {
        try reportingFailures {
            threads.request()
            try AtomicDirectory.checkAbsence(of: FilePath(output))
            try vectors.open().write(to, to: FilePath(output))
        }
    }
}

extension WordVectors.OutputFormat: ExpressibleByArgument {}
