public import Checkpoints
public import Tensors
import Tokenizers

/// How fast an encoder turns token ids into vectors, in one precision: made-up ids, batch by batch, without a tokenizer.
public final class EncoderBenchmark {
    /// Batches of `batchSize` texts of `length` tokens.
    public struct Cell: Sendable {
        public let length: Int
        public let batchSize: Int
        /// Of one batch, the median of the rounds.
        public let seconds: Double
        public let fastest: Double
        public let slowest: Double
        let operationsPerToken: Int
        /// Of products of one size on all threads, as `graft doctor` measures them, the best of before and after.
        public let engineGigaflopsPerSecond: Double

        public var sentencesPerSecond: Double { Double(batchSize) / seconds }
        public var tokensPerSecond: Double { Double(batchSize * length) / seconds }
        /// Of the encoder's products with weights.
        public var gigaflopsPerSecond: Double { tokensPerSecond * Double(operationsPerToken) / 1e9 }
        /// The share of the engine's rate that the encoder reaches.
        public var shareOfEngine: Double { gigaflopsPerSecond / engineGigaflopsPerSecond }

        /// The same with the fastest round in place of the median.
        public var best: Cell {
            Cell(
                length: length, batchSize: batchSize, seconds: fastest, fastest: fastest, slowest: slowest,
                operationsPerToken: operationsPerToken, engineGigaflopsPerSecond: engineGigaflopsPerSecond)
        }
    }

    public let precision: Precision
    private let encoder: SentenceEncoder
    private let engine: EngineSelfTest.Rate

    /// - Precondition: the precision is available.
    public init(_ directory: ModelDirectory, precision: Precision) throws(ModelError) {
        self.precision = precision
        encoder = try SentenceEncoder(directory, precision: precision)
        engine = EngineSelfTest.Rate(precision)
    }

    /// The precisions in which this machine runs a model.
    public static func precisions(_ directory: ModelDirectory) throws(ModelError) -> [Precision] {
        try loading { () throws(CheckpointError) in try SentenceModules(directory).precisions }
    }

    /// The longest text that the encoder takes.
    public var positions: Int { encoder.tokenLimit ?? .max }

    /// The operations of the matrix products with weights for one token. Attention, whose work grows with the length, is
    /// left out. None for static embeddings.
    public var operationsPerToken: Int { encoder.operationsPerToken }

    /// Measures after a warm-up.
    ///
    /// - Parameters:
    ///   - length: of every text, at most `positions`.
    ///   - rounds: of which the median counts; each repeats the batch for its share of `seconds`, at least once.
    ///   - seed: of the ids, which are all below the size of the vocabulary.
    public func measure(length: Int, batchSize: Int, rounds: Int, seconds: Double, seed: UInt64 = 1) -> Cell {
        precondition((1...positions).contains(length) && batchSize > 0 && rounds > 0, "\(length), \(batchSize)")
        let random = RandomSource(seed: seed)
        let size = UInt64(encoder.tokenizer.vocabularySize)
        let ids = (0..<batchSize).map { _ in (0..<length).map { _ in Int32(random.next() % size) } }
        let clock = ContinuousClock()
        func time(_ repetitions: Int) -> Double {
            clock.measure { for _ in 0..<repetitions { _ = encoder.embed(ids) } } / .seconds(1) / Double(repetitions)
        }
        let rateBefore = engine.gigaflopsPerSecond()
        _ = time(1)  // compiles products
        let share = seconds / Double(rounds)
        var once = time(1)
        let warm = clock.now + .seconds(share)
        while clock.now < warm { once = min(once, time(1)) }
        let times = (0..<rounds).map { _ in time(max(1, Int(share / once))) }.sorted()
        let median = (times[(rounds - 1) / 2] + times[rounds / 2]) / 2
        return Cell(
            length: length, batchSize: batchSize, seconds: median, fastest: times[0], slowest: times[rounds - 1],
            operationsPerToken: operationsPerToken,
            engineGigaflopsPerSecond: max(rateBefore, engine.gigaflopsPerSecond()))
    }
}
