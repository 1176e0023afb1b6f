/// The fourth stage of the pipeline: puts special tokens around one text or two.
struct PostProcessor: Sendable {
    /// A place in a template.
    enum Piece: Equatable, Sendable {
        /// The first (0) or second (1) text.
        case sequence(Int, typeID: Int32)
        /// The text of a special token where it is not the vocabulary's.
        case special(id: Int32, token: String, typeID: Int32)
    }

    /// Whether to leave white space at a token's ends out of its offsets, and how.
    struct OffsetTrimming: Equatable, Sendable {
        var addPrefixSpace: Bool
    }

    var single: [Piece]
    var pair: [Piece]
    var trimmings: [OffsetTrimming] = []

    /// Texts as they are: type id 0 for the first, 1 for the second.
    static let none = PostProcessor(
        single: [.sequence(0, typeID: 0)], pair: [.sequence(0, typeID: 0), .sequence(1, typeID: 1)])

    /// The same with every token of type 0.
    var withoutTypes: PostProcessor {
        func plain(_ piece: Piece) -> Piece {
            switch piece {
            case .sequence(let text, _): .sequence(text, typeID: 0)
            case .special(let id, let token, _): .special(id: id, token: token, typeID: 0)
            }
        }
        return PostProcessor(single: single.map(plain), pair: pair.map(plain), trimmings: trimmings)
    }

    static func specialTokens(in template: [Piece]) -> Int {
        template.count { if case .special = $0 { true } else { false } }
    }
}
