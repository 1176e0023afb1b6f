public import Checkpoints
public import JSON
public import SystemPackage

/// What a file of labelled examples got wrong. Lines count from 1.
public enum CorpusError: Error, Equatable, Sendable {
    case unreadable(FilePath, Errno)
    case notAFile(FilePath)
    /// A label with one example, from which nothing can be learned and measured.
    case loneExample(FilePath, label: String)
    case noExamples(FilePath)
    /// Nothing but blanks in any text.
    case blankTexts(FilePath)
    case damagedGzip(FilePath)
    case recordTooLong(FilePath, line: Int, limit: Int)
    /// What looks like a JSON array is none, or does not end.
    case notAnArray(FilePath, line: Int)
    /// A folder without the part that is wanted, and without folders of classes.
    case emptyFolder(FilePath, wanted: [String])
    case ambiguousFiles(FilePath, found: [String])
    case invalidUTF8(FilePath, line: Int, byte: Int)
    case utf16(FilePath)
    case missingColumn(FilePath, wanted: [String], found: [String], option: String)
    case ambiguousColumns(FilePath, found: [String], option: String)
    /// A column that is to be read has a name that stands in the header several times.
    case repeatedColumn(FilePath, name: String)
    /// One column for two things that are to be different.
    case sameColumn(FilePath, name: String, options: [String])
    /// The delimiter that the caller gives is not in the first line.
    case wrongDelimiter(FilePath)
    /// A table without a header whose columns do not tell by what is in them which one is which.
    case unnamedColumns(FilePath, count: Int)
    case wrongFieldCount(FilePath, line: Int, found: Int, expected: Int)
    case unterminatedQuote(FilePath, line: Int)
    case invalidJSON(FilePath, line: Int, JSONError)
    case missingMember(FilePath, line: Int, wanted: [String], option: String)
    case emptyLabel(FilePath, line: Int)
    case unknownLabel(FilePath, line: Int, label: String, known: [String])
    /// A label that is none of the names that the caller gives for labels.
    case unnamedLabel(FilePath, line: Int, label: String, names: [String])
    case singleLabel(FilePath, label: String)
    /// Numbers and words among the labels.
    case mixedLabels(FilePath, number: String, line: Int, word: String, wordLine: Int)
    /// The file is not what it was a moment ago.
    case changed(FilePath)
    case notANumber(FilePath, line: Int, label: String)
    /// Examples without any label where each has a set of them.
    case noLabels(FilePath)
    case wrongValueCount(FilePath, line: Int, found: Int, expected: Int)
    /// No label has two different texts, of which one could be set aside.
    case tooFewToSplit(FilePath)
    /// Fewer different texts than parts of a cross-validation.
    case tooFewForFolds(FilePath, folds: Int)
    /// Every training text is in the dev data too, and was to be left out.
    case onlyDuplicates(FilePath)
    /// A line with a word alone.
    case missingTag(FilePath, line: Int)
    case unevenColumns(FilePath, line: Int, found: Int, expected: Int)
    /// A JSON object without a list of words, or of their tags.
    case missingWords(FilePath, line: Int, wanted: [String])
    case unevenTags(FilePath, line: Int, words: Int, tags: Int)
    /// A way of writing data that has no columns of texts.
    case noColumns(FilePath, format: CorpusFormat)
    /// What is to be learned or measured needs other columns.
    case wrongColumns(FilePath, found: String, expected: String)
    case notAScore(FilePath, line: Int, label: String)
    case notBinary(FilePath, line: Int, label: String)
    /// Too few labels with two examples for batches that have two of each.
    case tooFewGroups(FilePath)
    /// No example has the label that stands for 1.
    case labelNotFound(FilePath, label: String)
    /// Every example was left out, as was asked for.
    case allLeftOut(FilePath, count: Int)
    case nothingToMeasure(FilePath, reason: String)
    /// The tokens cannot be kept in a file.
    case tokens(CheckpointError)
}

extension CorpusError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let file, let error): "\(file): cannot be read: \(error). Check the path and its permissions."
        case .loneExample(let file, let label):
            "\(file): label \"\(label)\" has one example; expected at least two. Add examples, or correct or leave out this one."
        case .noExamples(let file): "\(file): holds no examples; expected at least one example."
        case .blankTexts(let file):
            "\(file): no text has a word; expected texts to learn from. Are the columns the right ones (--text-columns)?"
        case .notAFile(let file): "\(file): not a file that can be read more than once. Write what it gives to a file."
        case .damagedGzip(let file): "\(file): damaged or cut gzip data. Compress it again, or copy it again."
        case .recordTooLong(let file, let line, let limit):
            "\(file):\(line): longer than \(limit >> 20) MB. Are there line ends between the examples?"
        case .notAnArray(let file, let line):
            "\(file):\(line): not a whole JSON array of objects. Is the file cut? Objects on lines of their own need no array."
        case .emptyFolder(let file, let wanted):
            "\(file): no file such as \(wanted[0]).tsv or \(wanted[0]).jsonl, and no folder for each class. Name the file itself."
        case .ambiguousFiles(let file, let found): "\(file): holds \(list(found, "and")). Name the one that is meant."
        case .ambiguousColumns(let file, let found, let option):
            "\(file): the columns \(list(found, "and")) may all be meant. Name the right one with \(option)."
        case .repeatedColumn(let file, let name):
            "\(file): several columns are named \"\(name)\". Give each column that is read a name of its own."
        case .sameColumn(let file, let name, let options):
            "\(file): column \"\(name)\" is chosen twice. Name different columns with \(options.joined(separator: " and "))."
        case .wrongDelimiter(let file):
            "\(file): the first line is a single column by --delimiter. Correct it, or leave it out to have it found."
        case .unnamedColumns(let file, let count):
            "\(file): \(count.counted("column")) without known names. Say --header if the first line has names, "
                + "and which columns to read with --text-column and --label-column, by name or, from 1, by number."
        case .mixedLabels(let file, let number, let line, let word, let wordLine):
            "\(file): numbers and words among the labels: \"\(number)\" in line \(line), \"\(word)\" in line \(wordLine). "
                + "Correct them, or say with --problem-type what they are."
        case .changed(let file): "\(file): has changed while it was read. Run again when it is whole."
        case .invalidUTF8(let file, let line, let byte):
            "\(file):\(line): not valid UTF-8 at byte \(byte) of the line. Convert the file, for example with iconv."
        case .utf16(let file): "\(file): UTF-16; expected UTF-8. Convert it: iconv -f UTF-16 -t UTF-8."
        case .missingColumn(let file, let wanted, let found, let option):
            "\(file): no column named \(list(wanted, "or")); found \(list(found, "and")). "
                + "Name the column with \(option)."
        case .wrongFieldCount(let file, let line, let found, let expected):
            "\(file):\(line): \(found.counted("field")); the header has \(expected). Is the line cut, or a separator "
                + "in the text?"
        case .unterminatedQuote(let file, let line):
            "\(file):\(line): a quoted field that begins here does not end. Close it with \"."
        case .invalidJSON(let file, let line, let error): "\(file):\(line): not valid JSON: \(error)."
        case .missingMember(let file, let line, let wanted, let option):
            "\(file):\(line): no string or number named \(list(wanted, "or")). Name the member with \(option)."
        case .emptyLabel(let file, let line): "\(file):\(line): the label is empty. Fill it in or remove the line."
        case .unknownLabel(let file, let line, let label, let known):
            "\(file):\(line): label \"\(label)\" is not among \(list(known, "and")). "
                + "Add it to the training data or correct the line."
        case .unnamedLabel(let file, let line, let label, let names):
            "\(file):\(line): label \"\(label)\" is neither \(list(names, "or")) nor the number of one, from 0. "
                + "Correct --label-names or the line."
        case .singleLabel(let file, let label):
            "\(file): every example is labelled \"\(label)\"; a classifier needs at least two labels."
        case .notANumber(let file, let line, let label):
            "\(file):\(line): \"\(label)\" is not a number, which regression learns. "
                + "Correct the line, or choose another --problem-type."
        case .noLabels(let file): "\(file): no example has a label. Is --label-column the right one?"
        case .wrongValueCount(let file, let line, let found, let expected):
            "\(file):\(line): \(found.counted("number")); \(expected) expected. Several numbers are a JSON array."
        case .tooFewToSplit(let file):
            "\(file): too few examples to set some aside to measure on. Give others with --dev, or say --no-dev."
        case .tooFewForFolds(let file, let folds):
            "\(file): too few different texts for \(folds) parts. Choose fewer --folds."
        case .onlyDuplicates(let file):
            "\(file): every text is in the dev data too; --drop-duplicates leaves nothing to learn from."
        case .missingTag(let file, let line):
            "\(file):\(line): a word without a tag; expected the word in the first column and its tag in the last one."
        case .unevenColumns(let file, let line, let found, let expected):
            "\(file):\(line): \(found.counted("column")); the lines before have \(expected). Is the line cut, or a "
                + "blank in the word?"
        case .missingWords(let file, let line, let wanted):
            "\(file):\(line): no list of strings named \(list(wanted, "or")). "
                + "Expected the words in \"tokens\" and a name for each one's tag in \"tags\"."
        case .unevenTags(let file, let line, let words, let tags):
            "\(file):\(line): \(words.counted("word")) and \(tags.counted("tag")); expected a tag for each word. "
                + "Correct the line."
        case .noColumns(let file, let format):
            "\(file): \(format), where a table or JSON objects with columns of texts are expected."
        case .wrongColumns(let file, let found, let expected):
            "\(file): \(found); expected \(expected). Name the columns with --text-columns and --label-column."
        case .notAScore(let file, let line, let label):
            "\(file):\(line): \"\(label)\" is not a number. Correct the line, or name the column with --label-column."
        case .notBinary(let file, let line, let label):
            "\(file):\(line): \"\(label)\" is neither 0 nor 1. Say with --positive-label which label belongs together."
        case .tooFewGroups(let file):
            "\(file): fewer than two labels with two examples; triplets need texts of one label, and others."
        case .labelNotFound(let file, let label):
            "\(file): no example has the label \"\(label)\". Correct --positive-label, or name the column with --label-column."
        case .allLeftOut(let file, let count):
            "\(file): all \(count) examples are left out by --positive-label or --minimum-score. Choose other values."
        case .nothingToMeasure(let file, let reason):
            "\(file): \(reason); nothing can be measured on that. Give other examples."
        case .tokens(let error): "\(error)"
        }
    }

    private func list(_ names: [String], _ word: String) -> String {
        let shown = names.prefix(10).map { "\"\($0)\"" }
        let all = names.count > 10 ? shown + ["\(names.count - 10) more"] : shown
        guard all.count > 1 else { return all.first ?? "nothing" }
        return all.dropLast().joined(separator: ", ") + " \(word) " + all[all.count - 1]
    }
}
