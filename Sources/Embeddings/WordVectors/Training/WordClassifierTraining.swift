import Checkpoints
public import SystemPackage
public import Tensors

/// Trains a classifier on word vectors: fastText's, but with the examples in another order in each epoch, and the same from
/// the same seed whatever the number of threads.
///
/// Source: Joulin et al. 2017, "Bag of Tricks for Efficient Text Classification".
public final class WordClassifierTraining {
    public let labels: [String]
    public let configuration: WordClassifierConfiguration
    private let texts: WordClassifierTexts
    /// The labels of each text to learn from.
    private let answers: IndexLists
    private let isOneVersusAll: Bool
    private let hashing: SubwordHashing
    /// Where the row of a word or a bucket that a text has is in the trainer's table, else -1.
    private let wordPlaces: [Int32]
    private let bucketPlaces: [Int32]
    private let trainBags: IndexLists
    private let devBags: IndexLists
    private let trainer: MeanRowClassifier
    private let order: RandomSource
    /// Examples learned from.
    private var done = 0

    /// - Parameters:
    ///   - answers: for each text to learn from the indices of its labels.
    ///   - isOneVersusAll: whether a text may have several labels, or none.
    /// - Throws: `noCommonWords`, `notFinite`, `unwritableLabel`, `zeroByte`.
    public init(
        _ texts: WordClassifierTexts, from file: FilePath, answers: [[Int32]], labels: [String],
        isOneVersusAll: Bool, _ configuration: WordClassifierConfiguration
    ) throws(WordVectorsError) {
        var texts = texts
        texts.finish()
        let vectors = texts.vectors
        precondition(answers.count == texts.train.count, "\(answers.count) answers for \(texts.train.count) texts")
        if texts.knownTokens == 0 { throw .noCommonWords(vectors.path, texts: file) }
        if let label = labels.first(where: { $0.utf8.count > WordClassifierTexts.longestWord || $0.utf8.contains(0) }) {
            throw .unwritableLabel(label: label)
        }
        if let row = (0..<vectors.count).first(where: vectors.words.hasZeroByte) {
            throw .zeroByte(vectors.path, word: vectors.words[row])
        }
        self.labels = labels
        self.configuration = configuration
        self.isOneVersusAll = isOneVersusAll
        hashing = Self.hashing(texts, configuration)
        var places = RowPlaces(texts, hashing)
        trainBags = places.bags(texts.train)
        devBags = places.bags(texts.dev)
        (wordPlaces, bucketPlaces) = (places.words, places.buckets)
        let table = try places.table(seed: configuration.seed)
        trainer = MeanRowClassifier(isOneVersusAll ? .oneVersusAll : .softmax, input: table, labels: labels.count)
        var lists = IndexLists()
        for answer in answers { lists.append(answer) }
        self.answers = lists
        order = RandomSource(seed: configuration.seed)
        texts.releaseLines()
        self.texts = texts
    }

    private static func hashing(
        _ texts: WordClassifierTexts, _ configuration: WordClassifierConfiguration
    ) -> SubwordHashing {
        if let subwords = texts.vectors.subwords { return subwords.hashing }
        guard configuration.wordNgrams > 1 else { return SubwordHashing(minLength: 0, maxLength: 0, buckets: 0) }
        let most = WordClassifierConfiguration.mostBuckets
        var isTaken = [Bool](repeating: false, count: most)
        for run in texts.train.runs { isTaken[Int(run % UInt64(most))] = true }
        return SubwordHashing(
            minLength: 0, maxLength: 0, buckets: configuration.buckets ?? max(1000, isTaken.count { $0 }))
    }

    public var examples: Int { answers.count }
    /// Rows that runs of words, and the words' own n-grams where the vectors have them, share.
    public var buckets: Int { hashing.buckets }
    /// Rows that learn: of words, of their n-grams, of runs of words.
    public var trainedRows: Int { trainer.input.rows }

    private var partSize: Int { max(1, (examples + 19) / 20) }

    public var partsOfEpoch: Int { (examples + partSize - 1) / partSize }

    /// Learns from all examples once, in a random order, a part after the other.
    ///
    /// - Parameter report: is given the examples of a part, the mean of their losses and the learning rate behind them;
    ///   returns whether to go on.
    /// - Returns: whether the epoch came to its end.
    public func runEpoch(_ report: (_ examples: Int, _ loss: Double, _ learningRate: Double) -> Bool) -> Bool {
        let order = order.permutation(of: examples)
        let decay = configuration.learningRate / Double(max(1, examples * configuration.epochs))
        for start in stride(from: 0, to: examples, by: partSize) {
            let part = order[start..<min(examples, start + partSize)]
            let rate = configuration.learningRate - Double(done) * decay
            let loss = trainer.learn(
                part, texts: trainBags, labels: answers, rate: Float(rate), decay: Float(decay))
            done += part.count
            guard report(part.count, loss / Double(part.count), rate - Double(part.count) * decay) else { return false }
        }
        return true
    }

    /// The logits of the texts to measure on, `[texts, labels]`.
    public func devLogits() -> Tensor { trainer.logits(devBags) }

    // MARK: Writing

    /// Writes a supervised fastText model.
    public func write(to path: FilePath) throws(WordVectorsError) {
        let vectors = texts.vectors
        var labelCounts = [Int64](repeating: 0, count: labels.count)
        for label in answers.values { labelCounts[Int(label)] += 1 }
        let writer = FastTextWriter(
            settings: FastTextWriter.Settings(
                kind: .supervised, loss: isOneVersusAll ? .oneVersusAll : .softmax, dimension: vectors.dimension,
                epochs: configuration.epochs, wordNgrams: configuration.wordNgrams, hashing: hashing),
            words: (0..<texts.wordCount).map { (texts.word($0), max(1, texts.counts[$0])) },
            labels: zip(labels, labelCounts).map { (Array((FastTextModel.labelPrefix + $0).utf8), $1) },
            tokens: texts.tokens)
        try writer.write(to: path) { range in
            parallelMap(range.count) { values(ofRow: range.lowerBound + $0) }.flatMap { $0 }
        } output: { range in
            range.flatMap(trainer.output.row)
        }
    }

    private func values(ofRow row: Int) -> [Float] {
        let vectors = texts.vectors
        if row < texts.wordCount {
            return wordPlaces[row] >= 0 ? trainer.input.row(Int(wordPlaces[row])) : vectors.ownRow(row)
        }
        let bucket = row - texts.wordCount
        if bucketPlaces[bucket] >= 0 { return trainer.input.row(Int(bucketPlaces[bucket])) }
        return vectors.row(ofBucket: Int32(bucket)) ?? [Float](repeating: 0, count: vectors.dimension)
    }
}
