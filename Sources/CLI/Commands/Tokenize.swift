import ArgumentParser
import Checkpoints
import FoundationEssentials
import SystemPackage
import Tasks
import Tokenizers

struct Tokenize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn each input line into tokens.",
        discussion: """
            Writes one JSON record a line: {"index":0,"ids":[...],"tokens":[...],"offsets":[[0,0],...]}. Special \
            tokens are included; offsets count Unicode scalars of the text.

            Example: graft tokenize all-MiniLM-L6-v2 < lines.txt
            """)

    @Argument(help: "A directory, the name of a model in the store, or a tokenizer's file.", completion: .file())
    var model: String

    @OptionGroup var stream: StreamOptions

    @Flag(help: "Write the ids alone.")
    var idsOnly = false

    @Option(help: "Cut texts after this many tokens (default: never).")
    var maxLength: Int?

    func validate() throws { try checkMaxLength(maxLength) }

    func run() throws {
        try reportingFailures {
            let truncation = maxLength.map { Truncation(maxLength: $0) }
            try stream.run(TokenRecords(try tokenizer(), truncation: truncation, showsIDsOnly: idsOnly).render)
        }
    }

    private func tokenizer() throws -> Tokenizer {
        var isDirectory = false
        if FileManager.default.fileExists(atPath: model, isDirectory: &isDirectory), !isDirectory {
            return try Tokenizer(file: FilePath(model))
        }
        return try Tokenizer(directory: ModelStore().resolve(model).path)
    }
}
