/// How well predicted tags agree with given ones: by entities, which are right where type and both ends are, and by
/// words.
///
/// An entity begins with `B-`, or with `I-` where none of its type goes on; `E-` and `S-` end one. These are the rules of
/// the CoNLL shared tasks' `conlleval`, and of seqeval without `mode="strict"`. A tag without such a prefix is a type
/// whose neighbours make one entity.
///
/// Source: Tjong Kim Sang and De Meulder 2003, "Introduction to the CoNLL-2003 Shared Task", §2.3.
public struct EntityMetrics: Codable, Equatable, Sendable {
    public typealias Counts = MultiLabelMetrics.Counts

    /// The types of the entities given or predicted, such as `PER`, in order.
    public let types: [String]
    public let perType: [Counts]
    public let sentences: Int
    public let words: Int
    /// Words whose tags are right.
    public let correctWords: Int
    /// The mean cross-entropy of the words.
    public let loss: Double?

    /// - Parameters:
    ///   - targets: the tags of each sentence's words.
    ///   - predictions: the same of what was predicted.
    public init(targets: [[String]], predictions: [[String]], loss: Double? = nil) {
        precondition(
            targets.map(\.count) == predictions.map(\.count), "other words in the targets than in the predictions")
        self.loss = loss
        sentences = targets.count
        words = targets.reduce(0) { $0 + $1.count }
        correctWords = zip(targets, predictions).reduce(0) { sum, pair in sum + zip(pair.0, pair.1).count { $0 == $1 } }
        var counts: [String: Counts] = [:]
        for (target, prediction) in zip(targets, predictions) {
            let (given, predicted) = (Set(Self.spans(target)), Set(Self.spans(prediction)))
            for span in given.union(predicted) {
                switch (given.contains(span), predicted.contains(span)) {
                case (true, true): counts[span.type, default: Counts()].truePositives += 1
                case (false, _): counts[span.type, default: Counts()].falsePositives += 1
                case (true, false): counts[span.type, default: Counts()].falseNegatives += 1
                }
            }
        }
        types = counts.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        perType = types.map { counts[$0] ?? Counts() }
    }

    /// Of the entities of all types together: `f1` is the micro-F1, seqeval's and the shared tasks' number.
    public var micro: Counts { perType.reduce(into: Counts()) { $0 += $1 } }
    public var accuracy: Double { words == 0 ? 0 : Double(correctWords) / Double(words) }

    /// More entities right, of equal ones that with the smaller loss.
    func isBetter(than other: EntityMetrics) -> Bool {
        (micro.f1, -(loss ?? 0)) > (other.micro.f1, -(other.loss ?? 0))
    }

    /// An entity's words and type.
    struct Span: Hashable, Sendable {
        let type: String
        let words: Range<Int>
    }

    /// The entities that tags stand for.
    static func spans(_ tags: [String]) -> [Span] {
        var spans: [Span] = []
        var open: (type: Substring, start: Int)?
        var previous: Character = "O"
        for (word, tag) in (tags + [AggregationStrategy.outside]).enumerated() {
            let (mark, type) = parts(tag)
            if let entity = open, "OBS".contains(mark) || "ES".contains(previous) || entity.type != type {
                spans.append(Span(type: String(entity.type), words: entity.start..<word))
                open = nil
            }
            if open == nil, mark != "O" { open = (type, word) }
            previous = mark
        }
        return spans
    }

    /// The mark of a tag's place in its entity, `B`, `I`, `E`, `S` or for what is none `O`, and the type.
    private static func parts(_ tag: String) -> (mark: Character, type: Substring) {
        if tag == AggregationStrategy.outside { return ("O", "") }
        guard let mark = tag.first, "BIES".contains(mark), tag.dropFirst().first == "-" else { return ("I", tag[...]) }
        return (mark, tag.dropFirst(2))
    }
}
