import ArgumentParser
import Tensors

@main
struct Graft: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graft",
        abstract: "Fine-tune text classifiers, embed sentences, and classify text, from the command line.",
        discussion: """
            MODEL is a directory in Hugging Face's layout or the name of a model in the store. INPUT is a file or -, \
            standard input: one text a line. Results go to standard output, one record a line and in the order of \
            the input; everything else goes to standard error.

            Exit status: 0 done; 1 failed, or some input lines could not be used; 64 wrong usage.
            """,
        version: Version.text,
        groupedSubcommands: [
            CommandGroup(name: "Models", subcommands: [Fetch.self, Inspect.self, Convert.self, Merge.self]),
            CommandGroup(
                name: "Text",
                subcommands: [Tokenize.self, Embed.self, Classify.self, Tag.self, Fill.self, Vectors.self]),
            CommandGroup(
                name: "Search", subcommands: [Index.self, Search.self, Cluster.self, Duplicates.self, Map.self]),
            CommandGroup(name: "Training", subcommands: [FineTune.self, Adapt.self, Evaluate.self]),
            CommandGroup(name: "This machine", subcommands: [Doctor.self, Bench.self]),
        ])

    static func main() async {
        keepFreedMemory()
        Signals.ignoreBrokenWrites()
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            exit(withError: error)
        }
    }
}
