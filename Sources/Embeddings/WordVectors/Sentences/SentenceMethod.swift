/// How the vectors of a text's words become one.
public enum SentenceMethod: String, Sendable, CaseIterable {
    /// The mean of the words that have a vector.
    case mean
    /// As fastText does: of a supervised model the mean of all rows of words, n-grams and the line's end; else the mean of
    /// the words' vectors, each scaled to length 1. Words are what stands between blanks.
    case fastText = "fasttext"
    /// The mean weighted by tf-idf among the texts of one input.
    case tfIDF = "tf-idf"
    /// Smooth inverse frequency, and then without the direction that the texts of one input have in common.
    ///
    /// Source: Arora, Liang and Ma 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", algorithm 1.
    case sif

    /// Whether a text's vector depends on the other texts.
    public var needsAllTexts: Bool { self == .tfIDF || self == .sif }
}
