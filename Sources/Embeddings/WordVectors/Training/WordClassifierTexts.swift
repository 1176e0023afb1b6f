import Tensors

/// Texts as words and runs of words, and the vocabulary that they and the vectors make up together.
///
/// A text is read on any thread, and taken in the order of the texts, so that the vocabulary does not depend on threads.
public struct WordClassifierTexts: Sendable {
    let vectors: WordVectors
    let splitting: WordSplitting
    let wordNgrams: Int
    /// The words that the vectors lack; their rows stand behind the vectors'.
    private(set) var newWords = WordTableBuilder(capacity: 1 << 10)
    /// How often each word stands in the texts to learn from.
    private(set) var counts: [Int64]
    private(set) var train = Lines()
    private(set) var dev = Lines()
    /// Those of the texts to measure on, until all words are known.
    private var waiting: [ReadText] = []
    /// Words of the texts to learn from, with lines' ends.
    public private(set) var tokens = 0
    /// Of them those that have a vector, without lines' ends.
    public private(set) var knownTokens = 0

    /// A word longer than this is none, but something encoded.
    static let longestWord = 1000

    /// What a text consists of.
    public struct ReadText: Sendable {
        /// Rows of the vectors, or -1 - n for the n-th of the others.
        fileprivate var words: [Int32] = []
        fileprivate var others: [String] = []
        fileprivate var runs: [UInt64] = []
    }

    /// Texts, one behind the other.
    struct Lines: Sendable {
        /// Rows of words, or -1 - n for the n-th of `unknown`, which has n-grams alone.
        private(set) var words: [Int32] = []
        private var wordEnds: [Int] = []
        private(set) var runs: [UInt64] = []
        private var runEnds: [Int] = []
        private(set) var unknown: [String] = []

        var count: Int { wordEnds.count }

        mutating func append(row: Int) { words.append(Int32(row)) }

        mutating func append(unknown word: String) {
            unknown.append(word)
            words.append(-Int32(unknown.count))
        }

        mutating func end(_ runs: [UInt64]) {
            wordEnds.append(words.count)
            self.runs += runs
            runEnds.append(self.runs.count)
        }

        func words(_ text: Int) -> ArraySlice<Int32> { words[(text == 0 ? 0 : wordEnds[text - 1])..<wordEnds[text]] }

        func runs(_ text: Int) -> ArraySlice<UInt64> { runs[(text == 0 ? 0 : runEnds[text - 1])..<runEnds[text]] }
    }

    public init(_ vectors: WordVectors, _ splitting: WordSplitting, wordNgrams: Int) {
        self.vectors = vectors
        self.splitting = splitting
        self.wordNgrams = wordNgrams
        counts = [Int64](repeating: 0, count: vectors.count)
    }

    var wordCount: Int { vectors.count + newWords.count }

    /// The bytes of a word.
    func word(_ row: Int) -> [UInt8] {
        if row >= vectors.count { return Array(newWords.text[newWords.bytes(row - vectors.count)]) }
        return vectors.words.utf8(row)
    }

    /// The buckets of a word's n-grams, where the vectors have n-grams.
    func buckets(ofWord row: Int) -> [Int32] {
        if row < vectors.count { return vectors.buckets(ofWord: row) }
        let word = word(row)
        guard !word.elementsEqual(FastTextModel.endOfLine.utf8) else { return [] }
        return vectors.subwords?.hashing.buckets(of: word) ?? []
    }

    /// Divides a text, on any thread.
    public func read(_ text: String) -> ReadText {
        var read = ReadText()
        var hashes = WordHashes()
        for word in splitting.words(of: text) + [FastTextModel.endOfLine] {
            if let row = vectors.row(of: word) {
                read.words.append(Int32(row))
            } else if word.hasPrefix(FastTextModel.labelPrefix) {
                continue
            } else {
                read.others.append(word)
                read.words.append(-Int32(read.others.count))
            }
            hashes.append(word)
            if word == FastTextModel.endOfLine { break }
        }
        read.runs = hashes.runs(upTo: wordNgrams)
        return read
    }

    /// Takes a text to learn from: words without a vector get one.
    public mutating func append(_ text: ReadText) {
        for word in text.words {
            var row = Int(word)
            if row < 0 {
                let word = text.others[-1 - row]
                guard let new = newRow(of: word) else {
                    if vectors.subwords != nil { train.append(unknown: word) }
                    continue
                }
                row = new
            }
            counts[row] += 1
            train.append(row: row)
        }
        tokens += text.words.count
        knownTokens += text.words.count - text.others.count - (text.others.last == FastTextModel.endOfLine ? 0 : 1)
        train.end(text.runs)
    }

    /// Takes a text to measure on, whose new words stay unknown.
    public mutating func appendDev(_ text: ReadText) { waiting.append(text) }

    /// Looks up the words of the texts to measure on, now that all others are known.
    mutating func finish() {
        let table = newWords.table
        for text in waiting {
            for word in text.words {
                if word >= 0 {
                    dev.append(row: Int(word))
                } else if let row = table.row(of: text.others[Int(-1 - word)]) {
                    dev.append(row: vectors.count + row)
                } else if vectors.subwords != nil {
                    dev.append(unknown: text.others[Int(-1 - word)])
                }
            }
            dev.end(text.runs)
        }
        waiting = []
    }

    /// Gives back all but the vocabulary.
    mutating func releaseLines() { (train, dev) = (Lines(), Lines()) }

    /// The row of a word that the vectors lack; `nil` for what is no word.
    private mutating func newRow(of word: String) -> Int? {
        var word = word
        let row = word.withUTF8 { bytes -> Int? in
            guard bytes.count <= Self.longestWord, unsafe !bytes.contains(0) else { return nil }
            return unsafe newWords.find(orAdd: UnsafeRawBufferPointer(bytes))?.row
        }
        guard let row else { return nil }
        if vectors.count + row == counts.count { counts.append(0) }
        return vectors.count + row
    }
}
