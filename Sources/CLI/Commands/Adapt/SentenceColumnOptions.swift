import ArgumentParser
import Tasks

/// Where texts stand side by side.
struct SentenceColumnOptions: ParsableArguments {
    @OptionGroup var table: TableOptions

    @Option(
        help: ArgumentHelp(
            "The columns with the texts, by name or, without a header, by number from 1 (default: found by usual names).",
            valueName: "anchor,positive"))
    var textColumns: TextColumns?

    @Option(help: "The column with the score or the label (default: found by usual names).")
    var labelColumn: String?

    /// Those that can have several texts side by side.
    private static let formats = ["tsv", "csv", "jsonl", "json"]

    func validate() throws {
        if let dataFormat = table.dataFormat {
            try require(
                Self.formats.contains(dataFormat), "--data-format", dataFormat,
                "one of \(Self.formats.joined(separator: ", "))")
        }
    }

    var choice: SentenceColumns.Choice {
        var choice = SentenceColumns.Choice()
        choice.delimiter = table.delimiterByte
        choice.format = table.format
        choice.hasHeader = table.header
        choice.texts = textColumns?.names
        choice.label = labelColumn
        return choice
    }
}

/// The value of `--text-columns`: different names with commas between them.
struct TextColumns: ExpressibleByArgument {
    let names: [String]

    init?(argument: String) {
        names = argument.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
        if names.contains("") || Set(names).count < names.count { return nil }
    }
}
