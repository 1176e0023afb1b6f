import ArgumentParser
import Tasks

/// How a file with examples is written.
struct TableOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How the data is written: \(CorpusFormat.names.joined(separator: ", ")) (default: as it looks).",
            valueName: "format"))
    var dataFormat: String?

    @Option(help: "What separates the columns of a table, such as ';' or tab (default: what the rows show).")
    var delimiter: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Whether the first line of a table has the names of its columns (default: as it looks).")
    var header: Bool?

    func validate() throws {
        if let dataFormat, CorpusFormat(dataFormat, delimiter: nil) == nil {
            throw ValidationError(
                "--data-format is \(dataFormat); expected one of \(CorpusFormat.names.joined(separator: ", ")).")
        }
        if delimiter != nil, delimiterByte == nil {
            throw ValidationError("--delimiter is one character, or tab.")
        }
    }

    var areGiven: Bool { dataFormat != nil || delimiter != nil || header != nil }

    var format: CorpusFormat? { dataFormat.flatMap { CorpusFormat($0, delimiter: delimiterByte) } }

    /// The one byte that the delimiter is; `nil` where it is none.
    var delimiterByte: UInt8? {
        if delimiter == "tab" || delimiter == "\\t" { return UInt8(ascii: "\t") }
        guard let delimiter, delimiter.utf8.count == 1, let byte = delimiter.utf8.first, byte != UInt8(ascii: "\""),
            byte >= 0x20 || byte == 0x09
        else { return nil }
        return byte
    }
}
