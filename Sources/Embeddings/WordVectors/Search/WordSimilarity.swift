import Checkpoints
public import SystemPackage
import Tensors

/// Pairs of words with how similar people find them, such as WordSim-353.
///
/// A line is a word, another and a number with tabs between them; lines of another shape, a header among them, are left out,
/// and those that begin with `#` are comments.
public struct WordSimilarity: Sendable {
    public let file: FilePath
    public let pairs: [(first: String, second: String, score: Double)]
    /// Lines that are no pair.
    public let skipped: Int

    public init(_ path: FilePath) throws(WordVectorsError) {
        file = path
        var pairs: [(first: String, second: String, score: Double)] = []
        var skipped = 0
        for line in try evaluationLines(path) where !line.hasPrefix("#") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3, let score = Double(fields[2].filter { !$0.isWhitespace }), score.isFinite else {
                skipped += 1
                continue
            }
            pairs.append((fields[0], fields[1], score))
        }
        if pairs.isEmpty {
            throw .lacks(path, "no line with two words and a number, tabs between them")
        }
        (self.pairs, self.skipped) = (pairs, skipped)
    }

    public struct Result: Equatable, Sendable {
        public let spearman: Double?
        public let pearson: Double?
        public let pairs: Int
        /// Pairs whose words both have a vector.
        public let covered: Int
        public let skipped: Int
    }

    /// Cosines of pairs beside people's scores; as gensim's `evaluate_word_pairs` counts.
    ///
    /// - Parameters:
    ///   - words: how many words count, from the first one.
    ///   - ignoresCase: whether the first word of the model that equals in capital letters stands for a word.
    ///   - countsUnknown: whether a pair with an unknown word counts, with a similarity of 0.
    public func evaluate(
        _ vectors: WordVectors, words: Int = 300_000, ignoresCase: Bool = true, countsUnknown: Bool = false
    ) throws(WordVectorsError) -> Result {
        let table = EvaluationWords(vectors, limit: words, ignoresCase: ignoresCase)
        var (given, found): ([Double], [Double]) = ([], [])
        var covered = 0
        for pair in pairs {
            if let a = table[pair.first], let b = table[pair.second] {
                covered += 1
                found.append(Double(WordVectors.cosine(try vectors.vector(row: a), try vectors.vector(row: b))))
            } else if countsUnknown {
                found.append(0)
            } else {
                continue
            }
            given.append(pair.score)
        }
        return Result(
            spearman: Correlation.spearman(given, found), pearson: Correlation.pearson(given, found),
            pairs: pairs.count, covered: covered, skipped: skipped)
    }
}

/// The rows that an evaluation knows: of the first words, in capital letters where case does not count.
struct EvaluationWords {
    private let vectors: WordVectors
    private let limit: Int
    private let capitals: [String: Int]?

    init(_ vectors: WordVectors, limit: Int, ignoresCase: Bool) {
        self.vectors = vectors
        self.limit = min(limit, vectors.count)
        if ignoresCase {
            var capitals: [String: Int] = [:]
            capitals.reserveCapacity(self.limit)
            for row in 0..<self.limit {
                let word = vectors.word(row).uppercased()
                if capitals[word] == nil { capitals[word] = row }
            }
            self.capitals = capitals
        } else {
            capitals = nil
        }
    }

    subscript(word: String) -> Int? {
        if let capitals { return capitals[word.uppercased()] }
        return vectors.row(of: word).flatMap { $0 < limit ? $0 : nil }
    }
}

/// The lines of a small file.
func evaluationLines(_ path: FilePath) throws(WordVectorsError) -> [String] {
    let file = try readingVectors { () throws(CheckpointError) in try MappedFile(path) }
    let bytes = file.bytes(0..<file.count)
    guard !bytes.starts(with: [0x1F, 0x8B]) else {
        throw .lacks(path, "compressed by gzip; unpack it with gunzip first")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw .lacks(path, "no UTF-8 text") }
    return text.split(whereSeparator: \.isNewline).map(String.init)
}
