/// Token sequences one behind the other, without padding.
public struct TokenBatch: Equatable, Sendable {
    public private(set) var inputIDs: [Int32] = []  // [tokens]
    public private(set) var tokenTypeIDs: [Int32] = []  // [tokens]
    /// The rows of each sequence.
    public private(set) var sequences: [Range<Int>] = []
    /// The place of the first token of every sequence.
    var firstPlace = 0
    /// Whether a token with the padding's id has a place of its own, as any other.
    private var countsPadding = false

    public init() {}

    /// - Parameter sequences: the token ids of each sequence, all of type 0.
    public init(_ sequences: some Sequence<some Collection<Int32>>) {
        for ids in sequences { append(ids) }
    }

    public var tokens: Int { inputIDs.count }

    /// Adds a sequence whose tokens are of type 0.
    public mutating func append(_ ids: some Collection<Int32>) {
        append(ids, tokenTypeIDs: repeatElement(0, count: ids.count))
    }

    /// Adds a sequence.
    public mutating func append(_ ids: some Collection<Int32>, tokenTypeIDs types: some Collection<Int32>) {
        precondition(ids.count == types.count, "\(ids.count) ids with \(types.count) token types")
        sequences.append(inputIDs.count..<inputIDs.count + ids.count)
        inputIDs.append(contentsOf: ids)
        tokenTypeIDs.append(contentsOf: types)
    }

    /// The same with virtual tokens in front of every sequence, whose ids count from `firstID`.
    func prepending(_ virtualTokens: Int, firstID: Int) -> TokenBatch {
        var batch = TokenBatch()
        for sequence in sequences {
            batch.append(
                (firstID..<firstID + virtualTokens).map { Int32($0) } + inputIDs[sequence],
                tokenTypeIDs: repeatElement(0, count: virtualTokens) + tokenTypeIDs[sequence])
        }
        batch.countsPadding = true
        return batch
    }

    /// The place of every token in its own sequence.
    public var places: [Int32] { sequences.flatMap { (0..<Int32($0.count)) } }

    /// The row of every token in a table of positions.
    func rows(of positions: LearnedPositions) -> [Int32] {
        let offset = Int32(firstPlace)
        guard let padding = positions.paddingID.map(Int32.init) else { return places.map { $0 + offset } }
        var rows: [Int32] = []
        rows.reserveCapacity(tokens)
        for sequence in sequences {
            var last = padding + offset
            for id in inputIDs[sequence] {
                if id == padding, !countsPadding {
                    rows.append(padding)
                } else {
                    last += 1
                    rows.append(last)
                }
            }
        }
        return rows
    }
}
