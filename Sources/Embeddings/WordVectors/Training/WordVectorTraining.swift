import Glibc
import Tensors

/// Trains word vectors from a text: the same vectors from the same seed, whatever the number of threads.
///
/// How: see `NegativeSampling`, and docs/decisions/0015.
public final class WordVectorTraining {
    let configuration: WordVectorTrainingConfiguration
    let corpus: WordCorpus
    /// Buckets of n-grams that a word of the text has, in their order. All others would stay as they are drawn.
    let buckets: [Int32]
    /// The rows of each word: its own, then its n-grams' behind the words'.
    let rows: [[Int32]]
    let trainer: NegativeSampling
    private let lines: [Range<Int>]
    /// How likely each word of the text is learned from.
    private let keep: [Float]
    private let blockSize: Int

    /// What `run` tells now and then, and at the end.
    public struct Progress: Sendable {
        /// From 0 to 1.
        public let fraction: Double
        public let loss: Double
    }

    public init(_ corpus: WordCorpus, _ configuration: WordVectorTrainingConfiguration) {
        self.corpus = corpus
        self.configuration = configuration
        let all = parallelMap(corpus.words.count) { word in
            corpus.words[word].elementsEqual(FastTextModel.endOfLine.utf8)
                ? [] : configuration.hashing.buckets(of: corpus.words[word])
        }
        var places: [Int32: Int32] = [:]
        buckets = Array(Set(all.joined())).sorted()
        for (place, bucket) in buckets.enumerated() { places[bucket] = Int32(corpus.words.count + place) }
        rows = all.enumerated().map { word, buckets in [Int32(word)] + buckets.map { places[$0]! } }
        let input = RowTable(rows: corpus.words.count + buckets.count, columns: configuration.dimension)
        input.fillUniformly(limit: 1 / Float(configuration.dimension), seed: configuration.seed)
        trainer = NegativeSampling(
            configuration.model == .cbow ? .cbow : .skipGram, input: input,
            output: RowTable(rows: corpus.words.count, columns: configuration.dimension), rows: rows,
            weights: corpus.counts.map { Double($0).squareRoot() }, negatives: configuration.negatives,
            window: configuration.window)
        let total = Double(corpus.counts.reduce(0, +))
        let shares = corpus.counts.map { Double($0) / total }
        keep = shares.map { share in
            Float((configuration.subsampling / share).squareRoot() + configuration.subsampling / share)
        }
        // What the words of a block learn, they learn unseen by one another, and the same word twice learns twice as much:
        // a block is so long that no word is expected in it more than twice.
        let largest = zip(shares, keep).map { $0 * Double(min(1, $1)) }.max() ?? 1
        blockSize = min(128, max(8, Int(2 / largest)))
        lines = corpus.lines(limit: blockSize)
    }

    /// Rows of words and of their n-grams that learn.
    public var trainedRows: Int { trainer.input.rows }

    public func run(_ report: (Progress) -> Void) {
        let length = Double(max(1, corpus.text.count * configuration.epochs))
        var (done, number) = (0, UInt64(0))
        var (loss, words) = (0.0, 0)
        for _ in 0..<configuration.epochs {
            var next = 0
            while next < lines.count {
                number += 1
                let seed = configuration.seed &+ number &* 0xA24B_AED4_963E_E407
                let random = RandomSource(seed: seed)
                var block = ContextBlock()
                var size = 0
                while next < lines.count, size == 0 || size + lines[next].count <= blockSize {
                    let line = corpus.text[lines[next]].filter { random.uniform() <= keep[Int($0)] }
                    block.add(line: line, window: configuration.window, random: random)
                    size += lines[next].count
                    next += 1
                }
                let rate = configuration.learningRate * Float(1 - Double(done) / length)
                let result = trainer.step(block, learningRate: rate, seed: ~seed)
                loss += result.loss
                words += result.words
                done += size
                if number % 1024 == 0 {
                    report(Progress(fraction: Double(done) / length, loss: loss / Double(max(1, words))))
                    (loss, words) = (0, 0)
                }
            }
        }
        if words > 0 { report(Progress(fraction: 1, loss: loss / Double(words))) }
    }
}
