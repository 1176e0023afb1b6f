/// How word vectors are trained; the defaults are fastText's.
public struct WordVectorTrainingConfiguration: Sendable {
    public enum Model: String, Sendable, CaseIterable {
        /// A word predicts each word of its context.
        case skipgram
        /// The mean of its context predicts a word.
        case cbow
    }

    public var model = Model.skipgram
    public var dimension = 100
    public var epochs = 5
    public var learningRate: Float = 0.05
    /// The most words that a context has on either side.
    public var window = 5
    /// Words drawn at random for each word that is right.
    public var negatives = 5
    /// Rarer words are left out.
    public var minCount = 5
    /// Words more frequent than this share are left out now and then. Source: Mikolov et al. 2013, §2.3.
    public var subsampling = 1e-4
    /// Lengths of n-grams, and how many rows they share; a longest of 0 for words alone.
    public var hashing = SubwordHashing(minLength: 3, maxLength: 6, buckets: 2_000_000)
    public var seed: UInt64 = 0

    public init() {}
}
