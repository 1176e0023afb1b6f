public import JSON
public import SystemPackage

/// What a file of labelled examples got wrong. Lines count from 1.
public enum CorpusError: Error, Equatable, Sendable {
    case unreadable(FilePath, Errno)
    case noExamples(FilePath)
    case invalidUTF8(FilePath, line: Int, byte: Int)
    case missingColumn(FilePath, wanted: [String], found: [String], option: String)
    case wrongFieldCount(FilePath, line: Int, found: Int, expected: Int)
    case unterminatedQuote(FilePath, line: Int)
    case invalidJSON(FilePath, line: Int, JSONError)
    case missingMember(FilePath, line: Int, wanted: [String], option: String)
    case emptyLabel(FilePath, line: Int)
    case unknownLabel(FilePath, line: Int, label: String, known: [String])
    case singleLabel(FilePath, label: String)
    case notANumber(FilePath, line: Int, label: String)
    /// Examples without any label where each has a set of them.
    case noLabels(FilePath)
    case wrongValueCount(FilePath, line: Int, found: Int, expected: Int)
}

extension CorpusError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let file, let error): "\(file): cannot be read: \(error). Check the path and its permissions."
        case .noExamples(let file): "\(file): holds no examples; expected a header line and at least one example."
        case .invalidUTF8(let file, let line, let byte):
            "\(file):\(line): not valid UTF-8 at byte \(byte) of the line. Convert the file, for example with iconv."
        case .missingColumn(let file, let wanted, let found, let option):
            "\(file): no column named \(list(wanted, "or")); found \(list(found, "and")). "
                + "Name the column with \(option)."
        case .wrongFieldCount(let file, let line, let found, let expected):
            "\(file):\(line): \(found) fields; the header has \(expected). Is the line cut, or a separator in the text?"
        case .unterminatedQuote(let file, let line):
            "\(file):\(line): a quoted field that begins here does not end. Close it with \"."
        case .invalidJSON(let file, let line, let error): "\(file):\(line): not valid JSON: \(error)."
        case .missingMember(let file, let line, let wanted, let option):
            "\(file):\(line): no string or number named \(list(wanted, "or")). Name the member with \(option)."
        case .emptyLabel(let file, let line): "\(file):\(line): the label is empty. Fill it in or remove the line."
        case .unknownLabel(let file, let line, let label, let known):
            "\(file):\(line): label \"\(label)\" is not among \(list(known, "and")). "
                + "Add it to the training data or correct the line."
        case .singleLabel(let file, let label):
            "\(file): every example is labelled \"\(label)\"; a classifier needs at least two labels."
        case .notANumber(let file, let line, let label):
            "\(file):\(line): \"\(label)\" is not a number, which regression learns. "
                + "Correct the line, or choose another --problem-type."
        case .noLabels(let file): "\(file): no example has a label. Is --label-column the right one?"
        case .wrongValueCount(let file, let line, let found, let expected):
            "\(file):\(line): \(found) number\(found == 1 ? "" : "s"); \(expected) expected. Several numbers are a JSON array."
        }
    }

    private func list(_ names: [String], _ word: String) -> String {
        let shown = names.prefix(10).map { "\"\($0)\"" }
        let all = names.count > 10 ? shown + ["\(names.count - 10) more"] : shown
        guard all.count > 1 else { return all.first ?? "nothing" }
        return all.dropLast().joined(separator: ", ") + " \(word) " + all[all.count - 1]
    }
}
