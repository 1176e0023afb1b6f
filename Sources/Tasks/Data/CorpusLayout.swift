/// Where the text and the label of an example stand in a file.
public struct CorpusLayout: Equatable, Sendable {
    public let format: CorpusFormat
    /// The names of the columns, or of the members of JSON objects; without a header the numbers of the columns, from 1.
    let names: [String]
    /// Whether the first record is one of names.
    let hasHeader: Bool
    let text: TextTemplate
    /// The column with the second text of a pair.
    let pair: Int?
    let label: Int
    public let labelSeparator: String
    /// The names that whole numbers stand for.
    let labelNames: [String]?

    public var isPair: Bool { pair != nil }

    /// Which columns were chosen.
    public var description: String {
        switch format {
        case .fastText, .classFolders: return "\(format)"
        default: break
        }
        var parts = [hasHeader || !format.isTable ? "\(format)" : "\(format) without a header"]
        if let column = text.column {
            parts.append("text column '\(names[column])'")
        } else {
            parts.append("text '\(text)'")
        }
        if let pair { parts.append("pair column '\(names[pair])'") }
        parts.append("label column '\(names[label])'")
        return parts.joined(separator: ", ")
    }
}

/// A text put together from columns and words between them: `{premise} [SEP] {hypothesis}`, `Review: {text}`.
struct TextTemplate: Equatable, Sendable, CustomStringConvertible {
    enum Part: Equatable, Sendable {
        case words(String)
        case column(Int)
    }
    let parts: [Part]
    let description: String

    init(column: Int) {
        parts = [.column(column)]
        description = "column \(column + 1)"
    }

    /// - Parameter columnIndex: of a name between braces.
    init(_ template: String, columnIndex: (String) throws(CorpusError) -> Int) throws(CorpusError) {
        var parts: [Part] = []
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            if open > rest.startIndex { parts.append(.words(String(rest[..<open]))) }
            parts.append(.column(try columnIndex(String(rest[rest.index(after: open)..<close]))))
            rest = rest[rest.index(after: close)...]
        }
        if !rest.isEmpty { parts.append(.words(String(rest))) }
        self.parts = parts
        description = template
    }

    /// The column, where there is nothing else.
    var column: Int? {
        if parts.count == 1, case .column(let index) = parts[0] { index } else { nil }
    }

    var columns: [Int] { parts.compactMap { if case .column(let index) = $0 { index } else { nil } } }

    func text(_ field: (Int) throws(CorpusError) -> String) throws(CorpusError) -> String {
        if let column { return try field(column) }
        var text = ""
        for part in parts {
            switch part {
            case .words(let words): text += words
            case .column(let column): text += try field(column)
            }
        }
        return text
    }
}
