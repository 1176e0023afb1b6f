import Tensors

/// Changes to training texts that are to leave their labels as they are. Each epoch sees other changes; the same seed,
/// epoch and text the same ones. Special tokens stay.
public struct Augmentation: Equatable, Sendable, CustomStringConvertible {
    /// How many of the tokens that a masked-language head can replace are others in an epoch.
    ///
    /// Source: Kobayashi 2018, "Contextual Augmentation"; Wu et al. 2019, "Conditional BERT Contextual Augmentation".
    public var swap: Float = 0
    /// How many of the tokens are left out, each by itself. Source: Wei and Zou 2019, "EDA", §2.
    public var delete: Float = 0
    /// The length of a stretch that is left out, as a share of the text's.
    ///
    /// Source: Shen et al. 2020, "A Simple but Tough-to-Beat Data Augmentation Approach", §3.1, span cutoff; there the
    /// tokens' embeddings become zero, here the tokens are gone.
    public var cutoff: Float = 0

    public init() {}

    /// As it is given.
    public var description: String {
        [("swap", swap), ("delete", delete), ("cutoff", cutoff)].filter { $0.1 > 0 }.map { "\($0.0)=\($0.1)" }
            .joined(separator: ",")
    }

    public enum Fault: Error, Equatable, Sendable, CustomStringConvertible {
        case unknownKind(String)
        case invalidShare(kind: String, String)
        case repeatedKind(String)

        public var description: String {
            switch self {
            case .unknownKind(let text): "\"\(text)\" is none of swap=, delete= and cutoff="
            case .repeatedKind(let kind): "\(kind) is given twice"
            case .invalidShare(let kind, let text): "\(kind) is \"\(text)\"; expected a share between 0 and 0.9"
            }
        }
    }

    /// - Parameter text: such as `swap=0.1,delete=0.05`.
    public init(_ text: String) throws(Fault) {
        var kinds: Set<Substring> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2 else { throw .unknownKind(String(part)) }
            guard let share = Float(halves[1]), (0...0.9).contains(share) else {
                throw .invalidShare(kind: String(halves[0]), String(halves[1]))
            }
            guard kinds.insert(halves[0]).inserted else { throw .repeatedKind(String(halves[0])) }
            switch halves[0] {
            case "swap": swap = share
            case "delete": delete = share
            case "cutoff": cutoff = share
            default: throw .unknownKind(String(part))
            }
        }
    }

    /// A text as an epoch sees it.
    ///
    /// - Parameters:
    ///   - swapped: the same text with other tokens where one can stand; each is taken half of the time.
    ///   - special: tokens that stay.
    func applied(
        to text: TokenizedText, swapped: TokenizedText?, special: Set<Int32>, random: RandomSource
    ) -> TokenizedText {
        var ids = text.ids
        if let swapped { for place in ids.indices where random.uniform() < 0.5 { ids[place] = swapped.ids[place] } }
        var keeps = ids.map { _ in true }
        let free = ids.indices.filter { !special.contains(text.ids[$0]) }
        for place in free where delete > 0 && random.uniform() < delete { keeps[place] = false }
        let stretch = Int(cutoff * Float(free.count) + random.uniform())
        if cutoff > 0, stretch > 0, stretch < free.count {
            let start = Int(random.next() % UInt64(free.count - stretch + 1))
            for place in free[start..<start + stretch] { keeps[place] = false }
        }
        // A text keeps at least one word.
        if !free.isEmpty, !free.contains(where: { keeps[$0] }) {
            keeps[free[Int(random.next() % UInt64(free.count))]] = true
        }
        let kept = ids.indices.filter { keeps[$0] }
        return TokenizedText(ids: kept.map { ids[$0] }, typeIDs: text.typeIDs.map { types in kept.map { types[$0] } })
    }
}
