import SystemPackage

/// Which columns of a file hold texts, and which one what they are labelled with.
public struct SentenceColumns: Equatable, Sendable {
    /// What the caller says; what is `nil` is found out.
    public struct Choice: Equatable, Sendable {
        public var format: CorpusFormat?
        public var delimiter: UInt8?
        /// Whether the first row of a table is one of names.
        public var hasHeader: Bool?
        /// Names, or without a header numbers from 1.
        public var texts: [String]?
        public var label: String?

        public init() {}

        var named: [String] { (texts ?? []) + (label.map { [$0] } ?? []) }
    }

    public let format: CorpusFormat
    let hasHeader: Bool
    /// Of all columns, or of the members of JSON objects; without a header their numbers.
    let names: [String]
    let texts: [Int]
    let label: Int?

    /// For people.
    public var description: String {
        let texts = texts.map { "'\(names[$0])'" }.joined(separator: ", ")
        return "\(format)\(hasHeader || !format.isTable ? "" : " without a header"), "
            + "text column\(self.texts.count == 1 ? "" : "s") \(texts)"
            + (label.map { ", label column '\(names[$0])'" } ?? "")
    }

    init(_ file: FilePath, _ choice: Choice) throws(CorpusError) {
        format =
            if let given = choice.format { given } else {
                try FormatDetection.format(of: file, delimiter: choice.delimiter)
            }
        if !format.isTable, format != .jsonLines, format != .jsonArray {
            throw .noColumns(file, format: format)
        }
        let sample = try CorpusRecords(file, format.division).window(
            limit: FormatDetection.sampleRecords, byteLimit: FormatDetection.sampleBytes)
        if sample.isEmpty { throw .noExamples(file) }
        let search: SentenceColumnSearch
        if format.isTable {
            let rows = sample.map(format.fields)
            hasHeader = choice.hasHeader ?? SentenceColumnSearch.isHeader(rows[0], rows, choice.named)
            names = hasHeader ? rows[0] : rows[0].indices.map { "\($0 + 1)" }
            search = SentenceColumnSearch(
                file: file, names: names, rows: hasHeader ? nil : rows, choice: choice)
        } else {
            hasHeader = false
            names = try LayoutDetection.memberNames(of: sample, file)
            search = SentenceColumnSearch(file: file, names: names, rows: nil, choice: choice)
        }
        label = try search.label()
        texts = try search.texts(label: label)
        for index in texts + (label.map { [$0] } ?? []) where names.count(where: { $0 == names[index] }) > 1 {
            throw .repeatedColumn(file, name: names[index])
        }
        if let name = choice.label, choice.texts?.contains(name) == true {
            throw .sameColumn(file, name: name, options: ["--text-columns", "--label-column"])
        }
        if texts.isEmpty { throw .missingColumn(file, wanted: ["text"], found: names, option: "--text-columns") }
    }
}

/// Finds columns by what the caller says, by usual names, or without names by what stands in them.
struct SentenceColumnSearch {
    let file: FilePath
    let names: [String]
    /// Where there are no names.
    let rows: [[String]]?
    let choice: SentenceColumns.Choice

    private static let anchors = ["anchor", "query", "question", "premise", "sentence1", "text", "sentence"]
    private static let positives = ["positive", "pos", "passage", "answer"]

    private static func isNegative(_ name: String) -> Bool { name == "neg" || name.hasPrefix("negative") }

    /// Whether a first row is one of names: it has one that is usual, or that the caller gives.
    static func isHeader(_ first: [String], _ rows: [[String]], _ named: [String]) -> Bool {
        if named.contains(where: first.contains) { return true }
        if !named.isEmpty, named.allSatisfy({ Int($0) != nil }) { return false }
        return first.contains { field in
            let name = ColumnNames.folded(field)
            let isName = ColumnNames.isKnown(field) || name == "anchor" || positives.contains(name) || isNegative(name)
            // A name is none where it stands in a row of texts, as one of them.
            return isName && rows.dropFirst().allSatisfy { !$0.contains(field) }
        }
    }

    private var folded: [String] { names.map(ColumnNames.folded) }

    private func index(_ name: String, _ option: String) throws(CorpusError) -> Int {
        if let index = names.firstIndex(of: name) { return index }
        throw .missingColumn(file, wanted: [name], found: names, option: option)
    }

    func label() throws(CorpusError) -> Int? {
        if let name = choice.label { return try index(name, "--label-column") }
        if let rows {
            // Numbers behind texts.
            guard let last = rows[0].indices.last, last > 0 else { return nil }
            return rows.allSatisfy { $0.count > last && Double($0[last]) != nil } ? last : nil
        }
        for name in ColumnNames.label + ColumnNames.likelyLabel {
            if let index = folded.firstIndex(of: name) { return index }
        }
        return nil
    }

    func texts(label: Int?) throws(CorpusError) -> [Int] {
        if let texts = choice.texts {
            var indices: [Int] = []
            for name in texts { indices.append(try index(name, "--text-columns")) }
            return indices
        }
        if rows != nil { return names.indices.filter { $0 != label } }
        let folded = folded
        func first(_ wanted: [String]) -> Int? { wanted.lazy.compactMap { folded.firstIndex(of: $0) }.first }
        let negatives = folded.indices.filter { Self.isNegative(folded[$0]) }
        if let positive = first(Self.positives), let anchor = first(Self.anchors) {
            return [anchor, positive] + negatives
        }
        for (a, b) in ColumnNames.pairs {
            if let a = folded.firstIndex(of: a), let b = folded.firstIndex(of: b) { return [a, b] + negatives }
        }
        if let text = first(ColumnNames.text) { return [text] }
        let likely = folded.indices.filter { ColumnNames.likelyText.contains(folded[$0]) && $0 != label }
        if likely.count > 1 {
            throw .ambiguousColumns(file, found: likely.map { names[$0] }, option: "--text-columns")
        }
        return likely
    }
}
