/// The tokens of a text as a sentence encoder takes them.
public struct SentenceTokens: Equatable, Sendable {
    public let ids: [Int32]
    /// Whether the text is longer than the encoder takes.
    public let isCut: Bool
    /// In place of each id the number of its word, from 0, below 0 where it has none; `nil` where nobody asked.
    public let words: [Int32]?

    init(ids: [Int32], isCut: Bool, words: [Int32]? = nil) {
        self.ids = ids
        self.isCut = isCut
        self.words = words
    }

    /// - Parameters:
    ///   - limit: how many tokens the encoder takes; `nil` where there is no end.
    ///   - ids: of the text, cut after so many of them.
    init(limit: Int?, ids: (Int?) -> [Int32]) {
        let longer = ids(limit.map { $0 + 1 })
        isCut = limit.map { longer.count > $0 } ?? false
        self.ids = isCut ? ids(limit) : longer
        words = nil
    }
}
