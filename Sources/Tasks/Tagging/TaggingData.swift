public import SystemPackage

/// What a tagger learns from, and is measured on; checked before a model is opened.
public struct TaggingData: Equatable, Sendable {
    public let train: TaggedSentences
    public let dev: TaggedSentences?
    /// Of the head.
    public let labels: [String]
    /// Whether the dev sentences are taken from the training data.
    public let isSplit: Bool

    /// - Parameter devShare: of the training data, where no other dev data is given; `nil`: none.
    public init(train: FilePath, dev: FilePath?, devShare: Double?, seed: UInt64) throws(CorpusError) {
        let all = try TaggedSentences(train)
        labels = try all.tags()
        let given = try dev.map { path throws(CorpusError) in try TaggedSentences(path) }
        try given?.check(labels)
        isSplit = given == nil && devShare != nil
        if isSplit, let devShare {
            let parts = try all.split(share: devShare, seed: seed)
            (self.train, self.dev) = (parts.train, parts.dev)
        } else {
            (self.train, self.dev) = (all, given)
        }
    }
}

extension TaggedSentences: CustomStringConvertible {
    public var description: String { "\(file): \(count.grouped) sentences, \(words.grouped) words" }
}
