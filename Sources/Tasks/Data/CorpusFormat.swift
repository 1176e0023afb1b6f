/// How a file of labelled texts is written.
public enum CorpusFormat: Equatable, Sendable {
    /// Lines cut at tabs, without quoting.
    case tabSeparated
    /// Rows with fields that may be quoted. Source: RFC 4180.
    case delimited(UInt8)
    /// A JSON object a line.
    case jsonLines
    /// One JSON array of objects.
    case jsonArray
    /// `__label__x __label__y text`. Source: Joulin et al. 2017, "Bag of Tricks for Efficient Text Classification".
    case fastText
    /// A folder for each class, a file for each text.
    case classFolders

    /// As `--data-format` names them.
    public init?(_ name: String, delimiter: UInt8?) {
        switch name {
        case "tsv": self = .tabSeparated
        case "csv": self = .delimited(delimiter ?? UInt8(ascii: ","))
        case "jsonl": self = .jsonLines
        case "json": self = .jsonArray
        case "fasttext": self = .fastText
        case "folders": self = .classFolders
        default: return nil
        }
    }

    public static let names = ["tsv", "csv", "jsonl", "json", "fasttext", "folders"]

    static let delimiters: [UInt8] = [UInt8(ascii: "\t"), UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "|")]

    static let labelPrefix = "__label__"

    init(delimiter: UInt8) { self = delimiter == UInt8(ascii: "\t") ? .tabSeparated : .delimited(delimiter) }

    var isTable: Bool {
        switch self {
        case .tabSeparated, .delimited: true
        default: false
        }
    }

    var division: CorpusRecords.Division {
        switch self {
        case .delimited(let delimiter): .rows(delimiter: delimiter)
        case .jsonArray: .jsonArray
        case .tabSeparated, .jsonLines, .fastText, .classFolders: .lines
        }
    }

    /// The fields of a record of a table.
    func fields(_ record: RawRecord) -> [String] {
        if case .delimited(let delimiter) = self {
            return DelimitedRows.fields(record.bytes, delimiter: delimiter, isQuoted: true)
        }
        return DelimitedRows.fields(record.bytes, delimiter: UInt8(ascii: "\t"), isQuoted: false)
    }
}

extension CorpusFormat: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tabSeparated: "TSV"
        case .delimited(UInt8(ascii: ",")): "CSV"
        case .delimited(let delimiter): "CSV with \"\(Character(Unicode.Scalar(delimiter)))\""
        case .jsonLines: "JSON Lines"
        case .jsonArray: "a JSON array"
        case .fastText: "fastText's lines"
        case .classFolders: "a folder for each class"
        }
    }
}
