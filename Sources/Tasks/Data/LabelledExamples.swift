import FoundationEssentials
import JSON
public import SystemPackage

/// Texts with their labels, read from TSV, CSV or JSON Lines with named columns.
public struct LabelledExamples: Equatable, Sendable {
    public struct Example: Equatable, Sendable {
        public let text: String
        /// The second text of a pair.
        public let pair: String?
        /// As it is written; of several labels in a JSON array these with the separator between them.
        public let label: String
        /// The labels of a JSON array, which need no separator.
        public let listedLabels: [String]?
        /// Where it stands in the file, from 1.
        public let line: Int
    }

    /// The columns to read; `nil` looks for the usual names.
    public struct Columns: Equatable, Sendable {
        public var text: String?
        public var pair: String?
        public var label: String?
        /// What stands between the labels of one example.
        public var labelSeparator: String

        public init(text: String? = nil, pair: String? = nil, label: String? = nil, labelSeparator: String = ",") {
            self.text = text
            self.pair = pair
            self.label = label
            self.labelSeparator = labelSeparator
        }

        /// GLUE's tables say `sentence`, JSON files `text`.
        static let textNames = ["text", "sentence"]
        static let labelNames = ["label", "labels", "score"]

        var textCandidates: [String] { text.map { [$0] } ?? Self.textNames }
        var labelCandidates: [String] { label.map { [$0] } ?? Self.labelNames }
    }

    public let file: FilePath
    let labelSeparator: String
    public let examples: [Example]

    /// Reads a whole file. The ending of its name chooses the format: `.csv`, `.jsonl` or `.json`, anything else is TSV.
    public init(_ file: FilePath, columns: Columns = Columns()) throws(CorpusError) {
        self.file = file
        labelSeparator = columns.labelSeparator
        let bytes = try Self.contents(of: file)
        let examples =
            switch file.extension?.lowercased() {
            case "jsonl", "json": try Self.readJSONLines(file, bytes, columns)
            case "csv": try Self.readTable(file, DelimitedRows.commaSeparated(file, bytes), columns)
            default: try Self.readTable(file, DelimitedRows.tabSeparated(file, bytes), columns)
            }
        if examples.isEmpty { throw .noExamples(file) }
        self.examples = examples
    }

    public var texts: [String] { examples.map(\.text) }

    private static func contents(of file: FilePath) throws(CorpusError) -> [UInt8] {
        do {
            let descriptor = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
            defer { try? descriptor.close() }
            var bytes: [UInt8] = []
            let chunk = 1 << 20
            while true {
                let start = bytes.count
                bytes.append(contentsOf: repeatElement(0, count: chunk))
                let count = unsafe try bytes.withUnsafeMutableBytes { buffer in
                    unsafe try descriptor.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
                }
                bytes.removeLast(chunk - count)
                if count == 0 { return bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes }
            }
        } catch { throw .unreadable(file, error as? Errno ?? .ioError) }
    }

    private static func readTable(
        _ file: FilePath, _ rows: [DelimitedRows.Row], _ columns: Columns
    ) throws(CorpusError) -> [Example] {
        guard let header = rows.first else { throw .noExamples(file) }
        func index(_ candidates: [String], _ option: String) throws(CorpusError) -> Int {
            for name in candidates {
                if let index = header.fields.firstIndex(of: name) { return index }
            }
            throw .missingColumn(file, wanted: candidates, found: header.fields, option: option)
        }
        let text = try index(columns.textCandidates, "--text-column")
        let label = try index(columns.labelCandidates, "--label-column")
        var pair: Int?
        if let name = columns.pair { pair = try index([name], "--pair-column") }
        var examples: [Example] = []
        examples.reserveCapacity(rows.count)
        for row in rows.dropFirst() {
            guard row.fields.count == header.fields.count else {
                throw .wrongFieldCount(
                    file, line: row.line, found: row.fields.count, expected: header.fields.count)
            }
            examples.append(
                Example(
                    text: row.fields[text], pair: pair.map { row.fields[$0] }, label: row.fields[label],
                    listedLabels: nil, line: row.line))
        }
        return examples
    }

    private static func readJSONLines(
        _ file: FilePath, _ bytes: [UInt8], _ columns: Columns
    ) throws(CorpusError) -> [Example] {
        var examples: [Example] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            let value: JSON
            do throws(JSONError) { value = try JSON(parsing: Array(line)) } catch {
                throw .invalidJSON(file, line: index + 1, error)
            }
            func member(_ candidates: [String], _ option: String) throws(CorpusError) -> String {
                for name in candidates { if let text = value[name].flatMap({ text($0) }) { return text } }
                throw .missingMember(file, line: index + 1, wanted: candidates, option: option)
            }
            var pair: String?
            if let name = columns.pair { pair = try member([name], "--pair-column") }
            let list = columns.labelCandidates.lazy.compactMap { value[$0]?.array }.first
            let listed = list?.compactMap { text($0) }
            if let list, listed?.count != list.count {
                throw .missingMember(file, line: index + 1, wanted: columns.labelCandidates, option: "--label-column")
            }
            let label =
                if let listed { listed.joined(separator: columns.labelSeparator) } else {
                    try member(columns.labelCandidates, "--label-column")
                }
            examples.append(
                Example(
                    text: try member(columns.textCandidates, "--text-column"), pair: pair,
                    label: label, listedLabels: listed, line: index + 1))
        }
        return examples
    }

    /// A scalar as text.
    private static func text(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .number(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        default: nil
        }
    }
}
