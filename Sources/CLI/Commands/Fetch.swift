import ArgumentParser
import Checkpoints

struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring a model into the store.",
        discussion: """
            SOURCE is a model that Graft knows where to get (\(KnownModel.all.map(\.name).joined(separator: ", "))), a \
            directory in Hugging Face's layout, or an archive of one. Checksums are verified; a model that is in the \
            store already is not looked up anywhere. The store is Hugging Face's own cache: HF_HUB_CACHE, HF_HOME \
            and HF_HUB_OFFLINE count. Prints the model's directory.

            Example: graft fetch all-MiniLM-L6-v2
            """)

    @Argument(help: "A known model's name, a directory, or a .zip, .whl, .tar.gz or .tgz file.", completion: .file())
    var source: String

    @Option(name: .customLong("as"), help: "The model's name in the store (default: as the source is named).")
    var name: String?

    func run() async throws {
        try await reportingFailures {
            let fetched = try await ModelStore().fetch(source, as: name) { StandardError.note($0) }
            StandardError.note("\(fetched.repository) is in the store\(fetched.wasPresent ? " already" : "")")
            try StandardOutput.print(fetched.path)
        }
    }
}
