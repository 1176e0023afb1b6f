import JSON
import SystemPackage

/// Finds the columns of a file, by the names that the caller gives, by usual names, or by what stands in them.
struct LayoutDetection {
    let file: FilePath
    let format: CorpusFormat
    let columns: LabelledExamples.Columns

    func layout() throws(CorpusError) -> CorpusLayout {
        switch format {
        // The first column is the label, the second one the text.
        case .fastText, .classFolders:
            return layout(
                ["label", "text"], hasHeader: false, text: TextTemplate(column: 1), pair: nil, label: 0)
        case .jsonLines, .jsonArray: return try named(Self.memberNames(of: sample(), file), hasHeader: false)
        case .tabSeparated, .delimited:
            let rows = try sample().map(format.fields)
            guard let first = rows.first else { throw .noExamples(file) }
            if first.count == 1, columns.delimiter != nil { throw .wrongDelimiter(file) }
            if try isHeader(first, rows) { return try named(first, hasHeader: true) }
            return try unnamed(rows)
        }
    }

    private func layout(
        _ names: [String], hasHeader: Bool, text: TextTemplate, pair: Int?, label: Int
    ) -> CorpusLayout {
        CorpusLayout(
            format: format, names: names, hasHeader: hasHeader, text: text, pair: pair, label: label,
            labelSeparator: format == .fastText ? " " : columns.labelSeparator, labelNames: columns.labelNames)
    }

    private func sample() throws(CorpusError) -> [RawRecord] {
        try CorpusRecords(file, format.division).window(
            limit: FormatDetection.sampleRecords, byteLimit: FormatDetection.sampleBytes)
    }

    // MARK: Names

    /// The names of all members in records, in the order in which they first come.
    static func memberNames(of records: [RawRecord], _ file: FilePath) throws(CorpusError) -> [String] {
        var names: [String] = []
        if records.isEmpty { throw .noExamples(file) }
        for record in records {
            do throws(JSONError) {
                let members = try JSON(parsing: record.bytes).object?.members ?? []
                for member in members where !names.contains(member.key) { names.append(member.key) }
            } catch {
                // Later ones are refused when they are read in earnest.
                if names.isEmpty { throw .invalidJSON(file, line: record.line, error) }
            }
        }
        return names
    }

    private func named(_ names: [String], hasHeader: Bool) throws(CorpusError) -> CorpusLayout {
        let layout = try chosen(names, hasHeader: hasHeader)
        for index in layout.text.columns + [layout.pair, layout.label].compactMap(\.self)
        where names.count(where: { $0 == names[index] }) > 1 {
            throw .repeatedColumn(file, name: names[index])
        }
        let places = [
            ("--text-column", layout.text.column), ("--pair-column", layout.pair), ("--label-column", layout.label),
        ]
        for (place, (option, index)) in places.enumerated() {
            for (other, same) in places[..<place] where index != nil && same == index {
                throw .sameColumn(file, name: names[index ?? 0], options: [other, option])
            }
        }
        return layout
    }

    private func chosen(_ names: [String], hasHeader: Bool) throws(CorpusError) -> CorpusLayout {
        func index(_ name: String, _ option: String) throws(CorpusError) -> Int {
            if let index = names.firstIndex(of: name) { return index }
            throw .missingColumn(file, wanted: [name], found: names, option: option)
        }
        let label =
            if let name = columns.label { try index(name, "--label-column") } else {
                try find(ColumnNames.label, ColumnNames.likelyLabel, names, but: nil, "--label-column")
            }
        if let template = columns.template {
            let text = try TextTemplate(template) { (name) throws(CorpusError) in try index(name, "--text-template") }
            return layout(names, hasHeader: hasHeader, text: text, pair: nil, label: label)
        }
        var pair: Int?
        if let name = columns.pair { pair = try index(name, "--pair-column") }
        if let name = columns.text {
            let text = TextTemplate(column: try index(name, "--text-column"))
            return layout(names, hasHeader: hasHeader, text: text, pair: pair, label: label)
        }
        let folded = names.map(ColumnNames.folded)
        if pair == nil {
            for (first, second) in ColumnNames.pairs {
                guard let first = folded.firstIndex(of: first), let second = folded.firstIndex(of: second) else {
                    continue
                }
                return layout(
                    names, hasHeader: hasHeader, text: TextTemplate(column: first), pair: second, label: label)
            }
        }
        let text = try find(
            ColumnNames.text, ColumnNames.likelyText, names, but: pair.map { [$0, label] } ?? [label], "--text-column")
        return layout(names, hasHeader: hasHeader, text: TextTemplate(column: text), pair: pair, label: label)
    }

    /// The column with the first of the usual names, else the only one with a likely name.
    private func find(
        _ usual: [String], _ likely: [String], _ names: [String], but taken: [Int]?, _ option: String
    ) throws(CorpusError) -> Int {
        let free = names.indices.filter { taken?.contains($0) != true }
        for name in usual {
            if let index = free.first(where: { ColumnNames.folded(names[$0]) == name }) { return index }
        }
        let candidates = free.filter { likely.contains(ColumnNames.folded(names[$0])) }
        guard let index = candidates.first else {
            throw .missingColumn(file, wanted: usual, found: names, option: option)
        }
        guard candidates.count == 1 else {
            throw .ambiguousColumns(file, found: candidates.map { names[$0] }, option: option)
        }
        return index
    }

    // MARK: Numbers

    /// Whether the first row is one of names: it has a name that columns usually have, or that the caller gives; or what
    /// stands in it comes in no column again, and is no number above numbers.
    private func isHeader(_ first: [String], _ rows: [[String]]) throws(CorpusError) -> Bool {
        if let header = columns.hasHeader { return header }
        if columns.named.contains(where: first.contains) { return true }
        if !columns.named.isEmpty, columns.named.allSatisfy({ Int($0) != nil }) { return false }
        let below = first.indices.map { column in rows.dropFirst().compactMap { column < $0.count ? $0[column] : nil } }
        // A known name is none where it is a label.
        if first.indices.contains(where: { ColumnNames.isKnown(first[$0]) && !below[$0].contains(first[$0]) }) {
            return true
        }
        for column in first.indices where !first[column].isEmpty && !below[column].isEmpty {
            if Double(first[column]) != nil, below[column].allSatisfy({ Double($0) != nil }) { return false }
            if below[column].contains(first[column]) { return false }
        }
        return true
    }

    private func unnamed(_ rows: [[String]]) throws(CorpusError) -> CorpusLayout {
        let count = rows[0].count
        let names = (1...count).map { "\($0)" }
        if columns.label != nil || columns.text != nil || columns.template != nil || count < 2 {
            guard columns.label != nil, columns.text != nil || columns.template != nil else {
                throw .unnamedColumns(file, count: count)
            }
            return try named(names, hasHeader: false)
        }
        // Only rows that are whole: others are refused, with their line, when they are read in earnest.
        let profiles = (0..<count).map { column in ColumnProfile(rows.filter { $0.count == count }.map { $0[column] }) }
        // CoLA: the source, 0 or 1, a star or nothing, the sentence.
        if count == 4, profiles[1].isBinary, profiles[2].isMark {
            return layout(names, hasHeader: false, text: TextTemplate(column: 3), pair: nil, label: 1)
        }
        let labels = profiles.indices.filter { profiles[$0].looksLikeLabels }
        guard labels.count == 1 else { throw .unnamedColumns(file, count: count) }
        let others = profiles.indices.filter { $0 != labels[0] }
        let text = others.max { profiles[$0].meanLength < profiles[$1].meanLength }!
        guard others.allSatisfy({ $0 == text || 2 * profiles[$0].meanLength < profiles[text].meanLength }) else {
            throw .unnamedColumns(file, count: count)
        }
        return layout(names, hasHeader: false, text: TextTemplate(column: text), pair: nil, label: labels[0])
    }
}

/// What stands in a column without a name.
private struct ColumnProfile {
    let meanLength: Double
    let looksLikeLabels: Bool
    let isBinary: Bool
    let isMark: Bool

    init(_ values: [String]) {
        let different = Set(values)
        meanLength = Double(values.reduce(0) { $0 + $1.utf8.count }) / Double(max(1, values.count))
        isBinary = different.isSubset(of: ["0", "1"])
        isMark = different.isSubset(of: ["", "*"])
        // Each label stands at two texts on average, or all are numbers.
        looksLikeLabels = different.count * 2 <= values.count || values.allSatisfy { Double($0) != nil }
    }
}
