import JSON
import SystemPackage

extension CorpusLayout {
    typealias Example = LabelledExamples.Example

    /// What a record says.
    func example(_ record: RawRecord, _ file: FilePath) throws(CorpusError) -> Example {
        if case .failure(let error) = validatedString(record.bytes[...]) {
            throw Self.invalidUTF8(record, record.textFile?.path ?? file, at: error.offset)
        }
        switch format {
        case .tabSeparated, .delimited: return try row(record, file)
        case .jsonLines, .jsonArray: return try object(record, file)
        case .fastText: return try prefixed(record, file)
        case .classFolders:
            let text = String(decoding: record.bytes, as: UTF8.self)
            let label = try named(record.textFile?.label ?? "", 1, file)
            return Example(text: text, pair: nil, label: label, listedLabels: nil, line: 1)
        }
    }

    static func invalidUTF8(_ record: RawRecord, _ file: FilePath, at offset: Int) -> CorpusError {
        let before = record.bytes[..<offset]
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lines = before.count { $0 == UInt8(ascii: "\n") }
        return .invalidUTF8(file, line: record.line + lines, byte: offset - lineStart)
    }

    /// The name that a label stands for.
    private func named(_ label: String, _ line: Int, _ file: FilePath) throws(CorpusError) -> String {
        guard let labelNames, let index = Int(label), !labelNames.contains(label) else { return label }
        guard labelNames.indices.contains(index) else {
            throw .unnamedLabel(file, line: line, label: label, names: labelNames)
        }
        return labelNames[index]
    }

    // MARK: Tables

    private func row(_ record: RawRecord, _ file: FilePath) throws(CorpusError) -> Example {
        let fields = format.fields(record)
        guard fields.count == names.count else {
            throw .wrongFieldCount(file, line: record.line, found: fields.count, expected: names.count)
        }
        return Example(
            text: try text.text { (column) throws(CorpusError) in fields[column] }, pair: pair.map { fields[$0] },
            label: try named(fields[label], record.line, file), listedLabels: nil, line: record.line)
    }

    // MARK: JSON

    private func object(_ record: RawRecord, _ file: FilePath) throws(CorpusError) -> Example {
        let line = record.line
        let value: JSON
        do throws(JSONError) { value = try JSON(parsing: record.bytes) } catch {
            throw .invalidJSON(file, line: line, error)
        }
        func member(_ column: Int, _ option: String) throws(CorpusError) -> String {
            if let text = value[names[column]].flatMap(Self.scalar) { return text }
            throw .missingMember(file, line: line, wanted: [names[column]], option: option)
        }
        var listed: [String]?
        if let list = value[names[label]]?.array {
            listed = []
            for element in list {
                guard let text = Self.scalar(element) else {
                    throw .missingMember(file, line: line, wanted: [names[label]], option: "--label-column")
                }
                listed?.append(try named(text, line, file))
            }
        }
        let joined =
            if let listed { listed.joined(separator: labelSeparator) } else {
                try named(try member(label, "--label-column"), line, file)
            }
        var second: String?
        if let pair { second = try member(pair, "--pair-column") }
        return Example(
            text: try text.text { (column) throws(CorpusError) in try member(column, "--text-column") },
            pair: second,
            label: joined, listedLabels: listed, line: line)
    }

    /// A scalar as text.
    static func scalar(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        default: nil
        }
    }

    // MARK: fastText

    /// Words with the prefix are labels wherever they stand, as fastText has it.
    private func prefixed(_ record: RawRecord, _ file: FilePath) throws(CorpusError) -> Example {
        var labels: [String] = []
        var words: [String] = []
        for word in record.bytes.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 }) {
            let word = String(decoding: word, as: UTF8.self)
            if word.utf8.starts(with: CorpusFormat.labelPrefix.utf8) {
                let label = String(word.dropFirst(CorpusFormat.labelPrefix.count))
                labels.append(try named(label, record.line, file))
            } else {
                words.append(word)
            }
        }
        return Example(
            text: words.joined(separator: " "), pair: nil, label: labels.joined(separator: labelSeparator),
            listedLabels: labels.count > 1 ? labels : nil, line: record.line)
    }
}
