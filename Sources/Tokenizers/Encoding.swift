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

    /// For each id of the vocabulary the blanks at its token's start, and above them those at its end; empty where
    /// nobody asks.
    private let blankCounts: [UInt16]

    /// - Parameter countsBlanks: whether `blanks(of:)` will be asked often.
    init(model: Model, added: [AddedToken], countsBlanks: Bool) {
        self.model = model
        var byID: [Int32: AddedToken] = [:]
        var ids: [[UInt8]: Int32] = [:]
        for token in added {
            byID[token.id] = token
            ids[Array(token.content.utf8)] = token.id
        }
        self.added = byID
        addedIDs = ids
        var counts: [UInt16] = []
        if countsBlanks, model.vocabulary.idLimit <= 4 * model.vocabulary.count + 65536 {
            counts = [UInt16](repeating: 0, count: model.vocabulary.idLimit)
            model.vocabulary.forEach { token, id in
                // Blanks at either end begin or end with one of few bytes; all others are the usual case.
                guard let first = token.first, let last = token.last else { return }
                if first > 0x20, first < 0x80, last > 0x20, last < 0x80 { return }
                let (leading, trailing) = Self.blanks(String(decoding: token, as: UTF8.self))
                counts[Int(id)] = UInt16(min(leading, 255)) | UInt16(min(trailing, 255)) << 8
            }
        }
        blankCounts = counts
    }

    /// The blanks at a token's start and end, shown as they are or by the byte-level alphabet.
    func blanks(of id: Int32) -> (leading: Int, trailing: Int) {
        if !added.isEmpty, added[id] != nil || Int(id) >= blankCounts.count {
            return Self.blanks(token(of: id) ?? "")
        }
        guard Int(id) < blankCounts.count else { return Self.blanks(token(of: id) ?? "") }
        let counts = blankCounts[Int(id)]
        return (Int(counts & 0xFF), Int(counts >> 8))
    }

    static func blanks(_ text: String) -> (leading: Int, trailing: Int) {
        func isBlank(_ scalar: Unicode.Scalar) -> Bool {
            scalar.value == 0x120 || FrozenProperties(scalar.value).contains(.whitespace)
        }
        return (
            text.unicodeScalars.prefix(while: isBlank).count,
            text.unicodeScalars.reversed().prefix(while: isBlank).count
        )
    }

    func token(of id: Int32) -> String? { added[id]?.content ?? model.vocabulary.token(of: id) }

    func id(of token: String) -> Int32? {
        let bytes = Array(token.utf8)
        return addedIDs[bytes] ?? model.vocabulary.id(bytes.span)
    }
}
