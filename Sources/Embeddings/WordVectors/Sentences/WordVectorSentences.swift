import Glibc
public import Tensors
public import Tokenizers

/// Vectors of texts, made of their words' vectors.
public final class WordVectorSentences: Sendable {
    public let vectors: WordVectors
    public let method: SentenceMethod
    private let segmenter: WordSegmenter?

    /// SIF's `a`. Source: Arora, Liang and Ma 2017, §4.1.
    private static let smoothing: Float = 1e-3

    /// - Parameter splitsAtBlanks: whether words are what stands between blanks; else Unicode's rules tell.
    public init(_ vectors: WordVectors, _ method: SentenceMethod, splitsAtBlanks: Bool = false) throws(TokenizerError) {
        self.vectors = vectors
        self.method = method
        segmenter = splitsAtBlanks || method == .fastText ? nil : try WordSegmenter()
    }

    /// A vector for each text; zeros for one without a known word.
    ///
    /// - Returns: `[texts, dimension]`, and how many words of each text have a vector.
    /// - Throws: `notFinite` for a word whose vector holds what is no number.
    public func embed(_ texts: [String]) throws(WordVectorsError) -> (vectors: Tensor, words: [Int]) {
        if method == .fastText, let model = vectors.fastText, model.kind == .supervised {
            let rows = parallelMap(texts.count) { model.rows(ofLine: texts[$0]) }
            let means = parallelMap(texts.count) { model.input.mean(rows[$0]) }
            if let text = means.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
                let word = texts[text].splitAtBlanks.first { word in
                    !model.input.mean(model.rows(ofLine: word)).allSatisfy(\.isFinite)
                }
                throw .notFinite(vectors.path, word: word ?? FastTextModel.endOfLine)
            }
            return (Tensor([texts.count, vectors.dimension], means.flatMap { $0 }), rows.map(\.count))
        }
        let words = parallelMap(texts.count) { self.words(texts[$0]) }
        let weights = try weights(words)
        let sums = try parallelMap(texts.count) { text in
            Result { () throws(WordVectorsError) in try mean(words[text], weights[text]) }
        }.map { sum throws(WordVectorsError) in try sum.get() }
        var result = Tensor([texts.count, vectors.dimension], sums.flatMap(\.vector))
        if method == .sif { result.removeCommonDirection() }
        return (result, sums.map(\.words))
    }

    private func words(_ text: String) -> [String] {
        guard let segmenter else { return text.splitAtBlanks }
        return segmenter.words(of: text).map(\.text)
    }

    private func weights(_ words: [[String]]) throws(WordVectorsError) -> [[Float]] {
        switch method {
        case .mean, .fastText: return words.map { [Float](repeating: 1, count: $0.count) }
        case .tfIDF:
            var texts: [String: Int] = [:]
            for words in words { for word in Set(words) { texts[word, default: 0] += 1 } }
            // Smoothed, as scikit-learn does it; the mean over all places of a word brings its frequency in.
            let count = Float(1 + words.count)
            return words.map { $0.map { logf(count / Float(1 + texts[$0]!)) + 1 } }
        case .sif:
            let frequencies = WordFrequencies(vectors)
            return try words.map { words throws(WordVectorsError) in
                try words.map { word throws(WordVectorsError) in
                    Self.smoothing / (Self.smoothing + (try frequencies.share(word)))
                }
            }
        }
    }

    private func mean(
        _ words: [String], _ weights: [Float]
    ) throws(WordVectorsError) -> (vector: [Float], words: Int) {
        var sum = [Float](repeating: 0, count: vectors.dimension)
        var (total, count): (Float, Int) = (0, 0)
        for (word, weight) in zip(words, weights) {
            guard let match = try vectors.find(word) else { continue }
            let isUnit = method == .fastText
            let vector = isUnit ? WordVectors.unit(match.vector) : match.vector
            if isUnit, vector.allSatisfy({ $0 == 0 }) { continue }
            for i in sum.indices { sum[i] += weight * vector[i] }
            // SIF divides by the number of words.
            total += method == .sif ? 1 : weight
            count += 1
        }
        return (total > 0 ? sum.map { $0 / total } : sum, count)
    }
}

/// How frequent words are: as the model counted them, else by their rank.
struct WordFrequencies {
    private let vectors: WordVectors
    private let total: Float

    init(_ vectors: WordVectors) {
        self.vectors = vectors
        let counts = vectors.counts
        let sum = (0..<vectors.count).reduce(0.0) { $0 + Self.count($1, counts) }
        total = Float(counts == nil ? sum : max(1, sum))
    }

    /// The share of a word in the model's text; of an unknown one that of a word that stood there once.
    func share(_ word: String) throws(WordVectorsError) -> Float {
        let once = vectors.counts == nil ? Self.count(vectors.count, nil) : 1
        let row = try vectors.find(word)?.row
        return Float(row.map { Self.count($0, vectors.counts) } ?? once) / total
    }

    /// Without counts the words stand in the order of their frequency, which Zipf's law gives, in Mandelbrot's form.
    private static func count(_ row: Int, _ counts: BorrowedBytes?) -> Double {
        counts.map { Double($0.load(UInt64.self, at: 8 * row)) } ?? 1 / (Double(row) + 2.7)
    }
}

extension Tensor {
    /// Takes the first right singular vector's part out of every row.
    fileprivate mutating func removeCommonDirection() {
        guard rows > 1, var direction = commonDirection() else { return }
        direction = WordVectors.unit(direction)
        let (rows, columns) = (rows, columns)
        mutate { values in
            for row in 0..<rows {
                var part: Float = 0
                for i in 0..<columns { part += values[row * columns + i] * direction[i] }
                for i in 0..<columns { values[row * columns + i] -= part * direction[i] }
            }
        }
    }

    /// By power iteration on `XᵀX` from its largest column, which is not perpendicular to the direction; `nil` where all
    /// rows are zeros.
    private func commonDirection() -> [Float]? {
        let gram = gramMatrix()
        guard let largest = (0..<columns).max(by: { gram[$0 * columns + $0] < gram[$1 * columns + $1] }) else {
            return nil
        }
        var direction = Array(gram[largest * columns..<(largest + 1) * columns])
        for _ in 0..<1000 {
            var next = [Double](repeating: 0, count: columns)
            for i in 0..<columns { for j in 0..<columns { next[i] += gram[i * columns + j] * direction[j] } }
            let length = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard length > 0 else { return nil }
            next = next.map { $0 / length }
            let change = zip(next, direction).reduce(0) { max($0, abs($1.0 - $1.1)) }
            direction = next
            if change < 1e-9 { break }
        }
        return direction.map { Float($0) }
    }

    /// `XᵀX`, of blocks of rows, summed in f64.
    private func gramMatrix() -> [Double] {
        let rowsPerBlock = 1024
        var sums = [Double](repeating: 0, count: columns * columns)
        for start in stride(from: 0, to: rows, by: rowsPerBlock) {
            let block = ProductOperand(self.rows(start..<min(rows, start + rowsPerBlock)))
            let products = matmul(transposed: block, block).values
            for i in sums.indices { sums[i] += Double(products[i]) }
        }
        return sums
    }
}

extension String {
    /// What stands between blanks, as fastText splits a line.
    var splitAtBlanks: [String] {
        utf8.split { $0 == 0x20 || 0x09...0x0D ~= $0 || $0 == 0 }.map { String(Substring($0)) }
    }
}
