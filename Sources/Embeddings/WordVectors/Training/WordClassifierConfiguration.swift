/// How a classifier learns on word vectors.
public struct WordClassifierConfiguration: Equatable, Sendable {
    public var epochs: Int
    /// Of the first example; it falls to 0.
    public var learningRate: Double = 0.5
    /// Runs of up to so many words have rows of their own; 1 for words alone.
    public var wordNgrams = 2
    /// How many rows runs of words share, where the vectors have no n-grams of their own; `nil`: as many as there are runs,
    /// up to fastText's 2,000,000.
    public var buckets: Int?
    public var seed: UInt64 = 42

    /// What suits so many examples: fewer are seen oftener.
    public init(examples: Int) { epochs = min(50, max(5, 500_000 / max(1, examples))) }

    static let mostBuckets = 2_000_000
}
