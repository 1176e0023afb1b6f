import JSON
public import SystemPackage

/// Sentences of words with a tag each, in memory: CoNLL's columns, or JSON Lines.
///
/// Source of the columns: Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task", §2.
public struct TaggedSentences: Equatable, Sendable {
    public struct Sentence: Equatable, Sendable {
        public let words: [String]
        /// One for each word.
        public let tags: [String]
        /// Of the file, from 1, for each word.
        public let lines: [Int]
    }

    public let file: FilePath
    public private(set) var sentences: [Sentence]

    public var count: Int { sentences.count }
    public var words: Int { sentences.reduce(0) { $0 + $1.words.count } }

    /// Reads a file, gzipped or not. Where its first line is a JSON object, all are, with the words in `tokens` and the
    /// tags in `tags` or `ner_tags`; else the first column is the word and the last one its tag, and an empty line or
    /// one of `-DOCSTART-` ends a sentence.
    public init(_ file: FilePath) throws(CorpusError) {
        self.file = file
        sentences = []
        let records = try CorpusRecords(file, .lines)
        var columns = ColumnLines(file: file)
        var isJSON: Bool?
        while let record = try records.next() {
            if case .failure(let error) = validatedString(record.bytes[...]) {
                throw .invalidUTF8(file, line: record.line, byte: error.offset)
            }
            if isJSON == nil {
                isJSON = record.bytes.first == UInt8(ascii: "{") && record.bytes.last == UInt8(ascii: "}")
            }
            if isJSON == true {
                if let sentence = try Self.sentence(record, file) { sentences.append(sentence) }
            } else if let sentence = try columns.add(record) {
                sentences.append(sentence)
            }
        }
        if let sentence = columns.take() { sentences.append(sentence) }
        if sentences.isEmpty { throw .noExamples(file) }
    }

    private init(_ file: FilePath, _ sentences: [Sentence]) {
        self.file = file
        self.sentences = sentences
    }

    private static func sentence(_ record: RawRecord, _ file: FilePath) throws(CorpusError) -> Sentence? {
        let object: JSON
        do throws(JSONError) { object = try JSON(parsing: record.bytes) } catch {
            throw .invalidJSON(file, line: record.line, error)
        }
        func strings(_ names: String...) throws(CorpusError) -> [String] {
            let list = names.compactMap { object[$0]?.array }.first
            guard let list, list.allSatisfy({ $0.string != nil }) else {
                throw .missingWords(file, line: record.line, wanted: names)
            }
            return list.compactMap(\.string)
        }
        let (words, tags) = (try strings("tokens"), try strings("tags", "ner_tags"))
        guard words.count == tags.count else {
            throw .unevenTags(file, line: record.line, words: words.count, tags: tags.count)
        }
        if tags.contains("") { throw .emptyLabel(file, line: record.line) }
        guard !words.isEmpty else { return nil }
        return Sentence(words: words, tags: tags, lines: words.map { _ in record.line })
    }

    // MARK: Tags

    /// All tags, in the order that the head gives them.
    ///
    /// - Throws: `CorpusError.singleLabel`
    public func tags() throws(CorpusError) -> [String] {
        let all = Set(sentences.flatMap(\.tags)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        if all.count == 1 { throw .singleLabel(file, label: all[0]) }
        return all
    }

    /// - Throws: `CorpusError.unknownLabel` of the first tag that is not among the labels.
    public func check(_ labels: [String]) throws(CorpusError) {
        let known = Set(labels)
        for sentence in sentences {
            for (tag, line) in zip(sentence.tags, sentence.lines) where !known.contains(tag) {
                throw .unknownLabel(file, line: line, label: tag, known: labels)
            }
        }
    }

    /// Divides the sentences at random; copies of one stay together.
    public func split(share: Double, seed: UInt64) throws(CorpusError) -> (train: TaggedSentences, dev: TaggedSentences)
    {
        let fingerprints = sentences.map { TextFingerprint.of($0.words.joined(separator: " ")) }
        let split = DataSplit(
            leaders: DataSplit.leaders(fingerprints), .classes(sentences.map { _ in 0 }),
            isLeftOut: sentences.map { _ in false })
        let isAside = split.setAside(share: share, seed: seed)
        guard isAside.contains(true) else { throw .tooFewToSplit(file) }
        func part(_ wanted: Bool) -> TaggedSentences {
            TaggedSentences(file, sentences.indices.filter { isAside[$0] == wanted }.map { sentences[$0] })
        }
        return (part(false), part(true))
    }
}

/// Lines with a word and its tag, put together to sentences.
private struct ColumnLines {
    let file: FilePath
    private var words: [String] = []
    private var tags: [String] = []
    private var lines: [Int] = []
    /// How many columns the first line has.
    private var columns: Int?

    init(file: FilePath) { self.file = file }

    /// - Returns: the sentence that ends before the line.
    mutating func add(_ record: RawRecord) throws(CorpusError) -> TaggedSentences.Sentence? {
        let line = String(decoding: record.bytes, as: UTF8.self)
        let fields =
            line.utf8.contains(UInt8(ascii: "\t"))
            ? line.split(separator: "\t") : line.split(separator: " ")
        let isBreak = fields.allSatisfy { $0.allSatisfy { $0 == " " } } || fields[0] == "-DOCSTART-"
        // Lines without anything in them are no records.
        let sentence = isBreak || lines.last.map { $0 + 1 < record.line } == true ? take() : nil
        if isBreak { return sentence }
        guard fields.count > 1 else { throw .missingTag(file, line: record.line) }
        guard fields.count == columns ?? fields.count else {
            throw .unevenColumns(file, line: record.line, found: fields.count, expected: columns ?? 0)
        }
        columns = fields.count
        words.append(String(fields[0]))
        tags.append(String(fields[fields.count - 1]))
        lines.append(record.line)
        return sentence
    }

    mutating func take() -> TaggedSentences.Sentence? {
        guard !words.isEmpty else { return nil }
        defer { (words, tags, lines) = ([], [], []) }
        return TaggedSentences.Sentence(words: words, tags: tags, lines: lines)
    }
}
