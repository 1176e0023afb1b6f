import JSON
public import SystemPackage
import Tensors

/// A file of texts side by side, with or without labels: what sentence encoders are trained and measured on.
public struct SentenceCorpus: Sendable {
    public let file: FilePath
    public let columns: SentenceColumns

    package struct Row: Equatable, Sendable {
        package let texts: [String]
        package let label: String?
        let line: Int
    }

    /// Finds out how the file is written.
    public init(
        _ path: FilePath, _ choice: SentenceColumns.Choice = SentenceColumns.Choice(),
        for purpose: CorpusFolder.Purpose = .training
    ) throws(CorpusError) {
        let found = try CorpusFolder.resolve(path, for: purpose)
        if found.textFiles != nil { throw .noColumns(found.path, format: .classFolders) }
        file = found.path
        columns = try SentenceColumns(file, choice)
    }

    /// How many texts stand side by side.
    public var textCount: Int { columns.texts.count }
    public var hasLabels: Bool { columns.label != nil }

    /// Goes through all rows, those of a window being transformed on all threads.
    package func forEachWindow<Result>(
        _ transform: (Row) -> Result, _ body: ([Result]) throws(CorpusError) -> Void
    ) throws(CorpusError) {
        let records = try CorpusRecords(file, columns.format.division)
        if columns.hasHeader { _ = try records.next() }
        while true {
            let window = try records.window(limit: 4096, byteLimit: 4 << 20)
            if window.isEmpty { return }
            let results = parallelMap(window.count) { index -> Swift.Result<Result, CorpusError> in
                do throws(CorpusError) { return .success(transform(try row(window[index]))) } catch {
                    return .failure(error)
                }
            }
            var values: [Result] = []
            for result in results { values.append(try result.get()) }
            try body(values)
        }
    }

    private func row(_ record: RawRecord) throws(CorpusError) -> Row {
        if case .failure(let error) = validatedString(record.bytes[...]) {
            throw CorpusLayout.invalidUTF8(record, file, at: error.offset)
        }
        if columns.format.isTable {
            let fields = columns.format.fields(record)
            guard fields.count == columns.names.count else {
                throw .wrongFieldCount(file, line: record.line, found: fields.count, expected: columns.names.count)
            }
            return Row(
                texts: columns.texts.map { fields[$0] }, label: columns.label.map { fields[$0] }, line: record.line)
        }
        let value: JSON
        do throws(JSONError) { value = try JSON(parsing: record.bytes) } catch {
            throw .invalidJSON(file, line: record.line, error)
        }
        func member(_ column: Int, _ option: String) throws(CorpusError) -> String {
            let name = columns.names[column]
            if let text = value[name].flatMap(CorpusLayout.scalar) { return text }
            throw .missingMember(file, line: record.line, wanted: [name], option: option)
        }
        var texts: [String] = []
        for column in columns.texts { texts.append(try member(column, "--text-columns")) }
        let label: String? = if let column = columns.label { try member(column, "--label-column") } else { nil }
        return Row(texts: texts, label: label, line: record.line)
    }
}
