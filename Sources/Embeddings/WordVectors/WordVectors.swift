import Checkpoints
import Synchronization
public import SystemPackage
import Tensors
import Tokenizers

/// Vectors of words, read in place where the file's format allows it.
public final class WordVectors: Sendable {
    public let path: FilePath
    public let format: WordVectorFormat
    public let dimension: Int
    /// Rows of a text or binary file that were left out because their word had come before.
    public let duplicates: Int
    /// Words with blanks in them.
    public let withBlanks: Int
    /// Whether a text file's last line has no line break, so that its last number may be cut.
    public let isUnterminated: Bool
    let words: WordTable
    /// Of the last words, that have no vector of their own: whose they have. The others stand for theirs as neighbours.
    let shared: [Int32]
    /// How often each word stood in the corpus, where the model says so.
    let counts: BorrowedBytes?  // UInt64
    let subwords: SubwordTable?
    private let source: Source
    private let storedNorms: BorrowedBytes?
    private let computed = Mutex<(rows: StoredRows?, norms: [Float]?)>((nil, nil))

    private enum Source: Sendable {
        case rows(StoredRows)
        case fastText(FastTextModel)
    }

    /// How a word was found.
    public enum Spelling: String, Sendable {
        /// As it is.
        case word
        /// By its n-grams.
        case subwords
        /// Composed by Unicode's form C.
        case nfc
        /// In lower case, composed.
        case lowercase
    }

    public struct Match: Equatable, Sendable {
        /// `nil` where n-grams make the vector.
        public let row: Int?
        public let vector: [Float]
        public let spelling: Spelling
    }

    /// Opens a file, whose format is told by its content, or the folder of a spaCy pipeline.
    public init(_ path: FilePath) throws(WordVectorsError) {
        let keys = try SpaCyVectors.keysFile(path)
        let file = try readingVectors { () throws(CheckpointError) in try MappedFile(keys ?? path) }
        let (format, header) = keys == nil ? try WordVectorFormat.recognize(file) : (.spaCy, nil)
        self.path = path
        self.format = format
        switch format {
        case .glove, .word2vec, .word2vecBinary, .spaCy:
            let read =
                switch (format, header) {
                case (.spaCy, _): try SpaCyVectors.read(file)
                case (.word2vecBinary, let header?): try BinaryVectors.read(file, header)
                default: try TextVectors(file, header).read(header)
                }
            (words, source, counts, subwords, storedNorms) = (read.words, .rows(read.rows), nil, nil, nil)
            (duplicates, withBlanks, shared) = (read.duplicates, read.withBlanks, read.shared)
            isUnterminated = read.isUnterminated
            dimension = read.rows.columns
        case .fastText:
            let model = try FastTextModel(file)
            (words, source, storedNorms) = (model.words, .fastText(model), nil)
            counts = BorrowedBytes(model.counts.map { UInt64(max(0, $0)) })
            subwords = model.subwords.hashing.maxLength > 0 ? model.subwords : nil
            (duplicates, withBlanks, isUnterminated, shared) = (0, 0, false, [])
            dimension = model.input.columns
        case .graft:
            let model = try GraftVectorsFile(file)
            (words, source, subwords, storedNorms) = (model.words, .rows(model.rows), model.subwords, model.norms)
            counts = model.counts
            (duplicates, withBlanks, isUnterminated, shared) = (0, 0, false, model.shared)
            dimension = model.rows.columns
        }
    }

    /// Whether a folder is a spaCy pipeline's, with word vectors in it.
    public static func arePublished(inPipeline folder: FilePath) -> Bool {
        (try? SpaCyVectors.keysFile(folder)) != nil
    }

    /// Vectors in memory.
    ///
    /// - Parameter path: where they will be written, for messages.
    init(_ path: FilePath, words: WordTable, rows: StoredRows, counts: [UInt64], subwords: SubwordTable?) {
        self.path = path
        format = .fastText
        dimension = rows.columns
        self.words = words
        source = .rows(rows)
        self.counts = BorrowedBytes(counts)
        self.subwords = subwords
        storedNorms = nil
        (duplicates, withBlanks, isUnterminated, shared) = (0, 0, false, [])
    }

    public var count: Int { words.count }

    /// How many words, from the first one, have a vector of their own.
    public var ownCount: Int { count - shared.count }

    /// What the file holds, in a few words.
    public var summary: String {
        var parts = ["\(format.title), \(count.counted("word")) of \(dimension.counted("number"))"]
        if let subwords {
            parts.append("n-grams of \(subwords.hashing.minLength) to \(subwords.hashing.maxLength) letters")
        }
        if !shared.isEmpty { parts.append("\(shared.count) of them have another word's vector") }
        if duplicates > 0 {
            parts.append(
                duplicates.counted(
                    "row left out because its word had come before", "rows left out because their word had come before")
            )
        }
        if withBlanks > 0 { parts.append(withBlanks.counted("word with blanks in it", "words with blanks in them")) }
        if isUnterminated {
            parts.append("its last line has no line break, so that it may be cut: is the file complete?")
        }
        return parts.joined(separator: "; ")
    }

    /// The word of a row.
    public func word(_ row: Int) -> String { words[row] }

    /// The row of a word as it is written.
    public func row(of word: String) -> Int? { words.row(of: word) }

    /// The fastText model that the vectors come from.
    var fastText: FastTextModel? { if case .fastText(let model) = source { model } else { nil } }

    /// All words' vectors. Those of a fastText model are computed when they are asked for the first time.
    var rows: StoredRows {
        switch source {
        case .rows(let rows): return rows
        case .fastText(let model):
            return computed.withLock { computed in
                if let rows = computed.rows { return rows }
                let rows = model.allRows()
                computed.rows = rows
                return rows
            }
        }
    }

    /// The vector of a row.
    public func vector(row: Int) throws(WordVectorsError) -> [Float] {
        let vector =
            switch source {
            case .rows(let rows): rows.row(row)
            case .fastText(let model): model.vector(ofWord: row)
            }
        guard vector.allSatisfy(\.isFinite) else { throw .notFinite(path, word: words[row]) }
        return vector
    }

    /// Finds a word: as it is written, else by its n-grams where the model has them, else composed, else in lower case.
    public func find(_ word: String) throws(WordVectorsError) -> Match? {
        if let row = row(of: word) { return Match(row: row, vector: try vector(row: row), spelling: .word) }
        if let subwords {
            guard let vector = subwords.vector(of: word) else { return nil }
            guard vector.allSatisfy(\.isFinite) else { throw .notFinite(path, word: word) }
            return Match(row: nil, vector: vector, spelling: .subwords)
        }
        let composed = word.canonicallyComposed
        if let row = row(of: composed) { return Match(row: row, vector: try vector(row: row), spelling: .nfc) }
        let lower = composed.lowercased().canonicallyComposed
        guard let row = row(of: lower) else { return nil }
        return Match(row: row, vector: try vector(row: row), spelling: .lowercase)
    }

    /// - Throws: `notFinite` for the first word whose vector is infinite or not a number.
    public func checkFinite() throws(WordVectorsError) { _ = try norms() }

    /// The length of every word's vector.
    ///
    /// - Throws: `notFinite` for the first vector that has none.
    func norms() throws(WordVectorsError) -> [Float] {
        let norms: [Float]
        if let storedNorms {
            norms = (0..<count).map { storedNorms.load(Float.self, at: 4 * $0) }
        } else {
            let rows = rows
            norms = computed.withLock { computed in
                if let norms = computed.norms { return norms }
                let norms = rows.norms()
                computed.norms = norms
                return norms
            }
        }
        if let row = norms.firstIndex(where: { !$0.isFinite }) { throw .notFinite(path, word: words[row]) }
        return norms
    }
}

extension FastTextModel {
    /// The vectors of all words, computed on all threads.
    fileprivate func allRows() -> StoredRows {
        let columns = input.columns
        let perBlock = 256
        return unsafe StoredRows(rows: words.count, columns: columns) { values in
            ThreadPool.shared.run((words.count + perBlock - 1) / perBlock) { block in
                for row in block * perBlock..<min(words.count, (block + 1) * perBlock) {
                    let vector = vector(ofWord: row)
                    for i in 0..<columns { unsafe values[row * columns + i] = vector[i] }
                }
            }
        }
    }
}
