/// What a tokenizer makes of a text or a pair of texts.
///
/// All arrays have one entry per token, special tokens included.
public struct Encoding: Sendable {
    public internal(set) var ids: [Int32] = []
    /// 0 or 1: which text of a pair a token belongs to, as the model was trained to be told.
    public internal(set) var typeIDs: [Int32] = []
    /// Where each token stands in its original text, in Unicode scalars; `0..<0` for special tokens.
    public internal(set) var offsets: [Range<Int>] = []
    /// The index of the word of its text that a token belongs to; `nil` for special tokens.
    public internal(set) var wordIDs: [Int32?] = []
    /// 1 where the tokenizer added the token, 0 where the text has it.
    public internal(set) var specialTokensMask: [UInt8] = []
    /// Which tokens come from the first text and, of a pair, from the second.
    public internal(set) var sequenceRanges: [Range<Int>] = []
    /// Further windows over a text that was too long, each with its special tokens.
    public internal(set) var overflowing: [Encoding] = []

    /// Texts of tokens that differ from the vocabulary's, by token index.
    var surfaces: [Int: String] = [:]
    let vocabulary: TokenTable

    init(vocabulary: TokenTable) { self.vocabulary = vocabulary }

    public var count: Int { ids.count }

    /// The tokens' texts as the vocabulary spells them, such as `##ing`.
    public var tokens: [String] {
        ids.indices.map { index in
            if !surfaces.isEmpty, let surface = surfaces[index] { return surface }
            return vocabulary.token(of: ids[index]) ?? ""
        }
    }
}

/// The tokens of a model together with the added ones.
final class TokenTable: Sendable {
    let model: Model
    let added: [Int32: AddedToken]
    private let addedIDs: [[UInt8]: Int32]

    init(model: Model, added: [AddedToken]) {
        self.model = model
        var byID: [Int32: AddedToken] = [:]
        var ids: [[UInt8]: Int32] = [:]
        for token in added {
            byID[token.id] = token
            ids[Array(token.content.utf8)] = token.id
        }
        self.added = byID
        addedIDs = ids
    }

    func token(of id: Int32) -> String? { added[id]?.content ?? model.vocabulary.token(of: id) }

    func id(of token: String) -> Int32? {
        let bytes = Array(token.utf8)
        return addedIDs[bytes] ?? model.vocabulary.id(bytes.span)
    }
}
