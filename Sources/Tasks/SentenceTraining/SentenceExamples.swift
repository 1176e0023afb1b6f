import Checkpoints
public import Embeddings
public import SystemPackage
import Tensors

/// Tokenized texts side by side, with what they are labelled with.
public struct SentenceExamples: Sendable {
    /// Those of an example one behind the other.
    let texts: TokenizedTexts
    /// In place of each id the number of its word, below 0 where it has none; `nil` where nobody asks.
    let words: TokenizedTexts?
    /// How many texts an example has.
    public let columns: Int
    public package(set) var targets: SentenceTargets
    /// What scores were divided by.
    public internal(set) var scoreScale: Float = 1
    /// The labels behind the classes.
    public let labels: [String]
    /// Of each text, equal where texts are equal.
    let keys: [UInt64]
    /// How many texts are longer than the encoder takes.
    public let cut: Int
    /// How many examples were left out, as was asked for.
    public let dropped: Int

    public var count: Int { keys.count / columns }

    /// What is made of the labels.
    public enum Labelling: Equatable, Sendable {
        case none
        case scores
        /// 1 and 0, or one label that stands for 1.
        case binary(positive: String?)
        case classes
        /// No labels remain: those of another label, or of a lower score, are left out.
        case only(label: String?, minimumScore: Double?)
    }

    /// - Parameters:
    ///   - columns: how many of the file's columns of texts are read.
    ///   - directory: has room for the tokens.
    ///   - tokens: of a text; all with their words, or none.
    public init(
        _ corpus: SentenceCorpus, columns: Int, _ labelling: Labelling, keepingTokensIn directory: FilePath,
        tokens: (String) -> SentenceTokens
    ) throws(CorpusError) {
        var writer: TokenFileWriter
        do throws(CheckpointError) { writer = try TokenFileWriter(in: directory) } catch { throw .tokens(error) }
        var column = SentenceLabels(corpus.file, labelling)
        var keys: [UInt64] = []
        var (cut, dropped) = (0, 0)
        func tokenized(_ row: SentenceCorpus.Row) -> (row: SentenceCorpus.Row, texts: [SentenceTokens]) {
            (row, row.texts.prefix(columns).map(tokens))
        }
        var hasWords = false
        var isBlank = true
        try corpus.forEachWindow(tokenized) { (window) throws(CorpusError) in
            for (row, texts) in window {
                guard try column.append(row) else {
                    dropped += 1
                    continue
                }
                isBlank = isBlank && row.texts.prefix(columns).allSatisfy { $0.allSatisfy(\.isWhitespace) }
                for text in texts {
                    do throws(CheckpointError) {
                        try writer.append(TokenizedText(ids: text.ids))
                        if let words = text.words { try writer.append(TokenizedText(ids: words)) }
                    } catch { throw .tokens(error) }
                    hasWords = text.words != nil
                    keys.append(Self.key(text.ids))
                    if text.isCut { cut += 1 }
                }
            }
        }
        if keys.isEmpty, dropped > 0 { throw .allLeftOut(corpus.file, count: dropped) }
        if keys.isEmpty { throw .noExamples(corpus.file) }
        if isBlank { throw .blankTexts(corpus.file) }
        let written: TokenizedTexts
        do throws(CheckpointError) { written = TokenizedTexts(try writer.finish()) } catch { throw .tokens(error) }
        // Words stand behind their text.
        func everySecond(from start: Int) -> TokenizedTexts {
            written.selecting(Array(stride(from: start, to: written.count, by: 2)))
        }
        texts = hasWords ? everySecond(from: 0) : written
        words = hasWords ? everySecond(from: 1) : nil
        self.columns = columns
        self.keys = keys
        self.cut = cut
        self.dropped = dropped
        (targets, labels) = try column.finish()
    }

    /// Some of the texts as examples without labels, which are not copied.
    ///
    /// - Parameter rows: of the texts, those of an example one behind the other.
    func selecting(_ rows: [Int], columns: Int) -> SentenceExamples {
        SentenceExamples(
            texts: texts.selecting(rows), columns: columns, keys: rows.map { keys[$0] }, cut: cut, dropped: dropped)
    }

    private init(texts: TokenizedTexts, columns: Int, keys: [UInt64], cut: Int, dropped: Int) {
        self.texts = texts
        words = nil
        self.columns = columns
        self.keys = keys
        self.cut = cut
        self.dropped = dropped
        (targets, labels) = (.none, [])
    }

    func ids(_ example: Int, _ column: Int) -> [Int32] { texts[example * columns + column].ids }

    /// The number of the word of each of a text's ids; none where nobody asked.
    func words(_ example: Int, _ column: Int) -> [Int32] { words?[example * columns + column].ids ?? [] }

    /// All texts of a column.
    func ids(ofColumn column: Int) -> [[Int32]] { (0..<count).map { ids($0, column) } }

    /// Source: Fowler, Noll and Vo 1991, the hash FNV-1a of 64 bits.
    private static func key(_ ids: [Int32]) -> UInt64 {
        ids.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64(UInt32(bitPattern: $1))) &* 0x100_0000_01B3 }
    }
}

/// Labels as they are read.
private struct SentenceLabels {
    private let file: FilePath
    private let labelling: SentenceExamples.Labelling
    private var scores: [Float] = []
    private var classes: [Int] = []
    private var indices: [String: Int] = [:]

    init(_ file: FilePath, _ labelling: SentenceExamples.Labelling) {
        self.file = file
        self.labelling = labelling
    }

    /// - Returns: whether the example counts.
    mutating func append(_ row: SentenceCorpus.Row) throws(CorpusError) -> Bool {
        let label = row.label ?? ""
        switch labelling {
        case .none: return true
        case .scores: scores.append(Float(try number(label, row.line)))
        case .binary(let positive):
            if let positive {
                scores.append(label == positive ? 1 : 0)
            } else {
                let value = try number(label, row.line)
                guard value == 0 || value == 1 else { throw .notBinary(file, line: row.line, label: label) }
                scores.append(Float(value))
            }
        case .classes:
            if label.isEmpty { throw .emptyLabel(file, line: row.line) }
            let index = indices[label] ?? indices.count
            indices[label] = index
            classes.append(index)
        case .only(let wanted, let minimum):
            if let wanted, label != wanted { return false }
            if let minimum, try number(label, row.line) < minimum { return false }
        }
        return true
    }

    private func number(_ label: String, _ line: Int) throws(CorpusError) -> Double {
        guard let value = Double(label), Float(value).isFinite else { throw .notAScore(file, line: line, label: label) }
        return value
    }

    /// Classes get the order of their names, whatever the order of the file.
    func finish() throws(CorpusError) -> (targets: SentenceTargets, labels: [String]) {
        switch labelling {
        case .none, .only: return (.none, [])
        case .binary(let positive?) where !scores.contains(1): throw .labelNotFound(file, label: positive)
        case .scores, .binary: return (.scores(scores), [])
        case .classes:
            let labels = indices.keys.sorted()
            if labels.count < 2 { throw .singleLabel(file, label: labels.first ?? "") }
            var places = [Int](repeating: 0, count: labels.count)
            for (place, label) in labels.enumerated() { places[indices[label] ?? 0] = place }
            return (.classes(classes.map { places[$0] }), labels)
        }
    }
}
