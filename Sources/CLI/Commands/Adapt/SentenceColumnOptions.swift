import ArgumentParser
import Tasks

/// Where texts stand side by side.
struct SentenceColumnOptions: ParsableArguments {
    @Option(help: "How the data is written: tsv, csv, jsonl, json (default: as it looks).")
    var dataFormat: String?

    @Option(help: "What separates the columns of a table, such as ';' or tab (default: what the rows show).")
    var delimiter: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Whether the first line of a table has the names of its columns (default: as it looks).")
    var header: Bool?

    @Option(
        help: ArgumentHelp(
            "The columns with the texts, by name or, without a header, by number from 1 (default: found by usual names).",
            valueName: "anchor,positive"))
    var textColumns: String?

    @Option(help: "The column with the score or the label (default: found by usual names).")
    var labelColumn: String?

    private static let formats = ["tsv", "csv", "jsonl", "json"]

    func validate() throws {
        if let dataFormat {
            try require(
                Self.formats.contains(dataFormat), "--data-format", dataFormat,
                "one of \(Self.formats.joined(separator: ", "))")
        }
        if delimiter != nil, ColumnOptions.byte(of: delimiter) == nil {
            throw ValidationError("--delimiter is one character, or tab.")
        }
        if let textColumns, texts.contains("") || Set(texts).count < texts.count {
            throw ValidationError(
                "--text-columns is \(textColumns); expected different columns with commas between them.")
        }
    }

    private var texts: [String] {
        (textColumns ?? "").split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
    }

    var choice: SentenceColumns.Choice {
        var choice = SentenceColumns.Choice()
        choice.delimiter = ColumnOptions.byte(of: delimiter)
        choice.format = dataFormat.flatMap { CorpusFormat($0, delimiter: choice.delimiter) }
        choice.hasHeader = header
        choice.texts = textColumns == nil ? nil : texts
        choice.label = labelColumn
        return choice
    }
}
