import Checkpoints
public import Embeddings
public import SystemPackage
import Tensors
public import Tokenizers

/// Texts with other words in the place of some: those that a masked-language head finds likely there, or those whose word
/// vectors are near.
public struct WordSwaps {
    private let source: any WordProposals
    private let special: Set<Int32>
    /// How many of the words are asked for; each is taken half of the time.
    private let share: Float
    /// Of how many likely words one is drawn.
    static let candidates = 8

    /// - Parameter share: of the words that are to be others in an epoch.
    public init(_ model: MaskedLanguageModel, share: Float) {
        self.init(MaskedWordProposals(model: model), share: share)
    }

    /// - Parameters:
    ///   - tokenizer: of the texts.
    ///   - share: of the words that are to be others in an epoch.
    public init(_ vectors: WordVectors, _ tokenizer: Tokenizer, share: Float) {
        self.init(NeighbourProposals(vectors, tokenizer), share: share)
    }

    private init(_ source: any WordProposals, share: Float) {
        self.source = source
        special = source.tokenizer.placeholders
        self.share = min(1, 2 * share)
    }

    /// Texts with other words, and for how many words such were looked for and found.
    public struct Swapped: Sendable {
        public let texts: TokenizedTexts
        public let asked: Int
        public let found: Int
    }

    /// Other words for texts, kept in a file without a name; as many tokens as before.
    ///
    /// - Parameter seed: same seed, same words.
    /// - Throws: `CheckpointError` where the file cannot be written, `WordVectorsError` for vectors that are not finite.
    public func swapped(
        _ texts: TokenizedTexts, seed: UInt64, keepingTokensIn directory: FilePath
    ) throws -> Swapped {
        var writer = try TokenFileWriter(in: directory)
        var (asked, found) = (0, 0)
        for start in stride(from: 0, to: texts.count, by: Self.window) {
            let rows = start..<min(texts.count, start + Self.window)
            let seeds = rows.map { RandomSource(seed: seed &+ UInt64($0)).next() }
            for (text, words) in try swapped(rows.map { texts[$0] }, seeds: seeds) {
                try writer.append(text)
                asked += words.asked
                found += words.found
            }
        }
        return Swapped(texts: TokenizedTexts(try writer.finish()), asked: asked, found: found)
    }

    private static let window = 512

    /// The texts with other words in some places; as many tokens as before.
    ///
    /// - Parameter seeds: of each text.
    private func swapped(
        _ texts: [TokenizedText], seeds: [UInt64]
    ) throws(WordVectorsError) -> [(text: TokenizedText, words: (asked: Int, found: Int))] {
        let places = texts.indices.map { index in
            let random = RandomSource(seed: seeds[index])
            return wholeWords(texts[index].ids).filter { _ in random.uniform() < share }
        }
        let proposals = try source.proposals(for: texts, places: places)
        return texts.indices.map { index in
            var ids = texts[index].ids
            var found = 0
            let random = RandomSource(seed: ~seeds[index])
            for (place, proposals) in zip(places[index], proposals[index]) {
                guard let id = draw(proposals, insteadOf: ids[place], random) else { continue }
                ids[place] = id
                found += 1
            }
            return (TokenizedText(ids: ids, typeIDs: texts[index].typeIDs), (places[index].count, found))
        }
    }

    /// The places of tokens that are words by themselves.
    private func wholeWords(_ ids: [Int32]) -> [Int] {
        ids.indices.filter { place in
            isWord(ids[place]) && beginsWord(ids[place])
                && (place + 1 == ids.count || special.contains(ids[place + 1]) || beginsWord(ids[place + 1])
                    || !isWord(ids[place + 1]))
        }
    }

    private func draw(_ proposals: [WordProposal], insteadOf id: Int32, _ random: RandomSource) -> Int32? {
        let fitting = proposals.filter { $0.id != id && isWord($0.id) && beginsWord($0.id) == beginsWord(id) }
        let sum = fitting.reduce(0) { $0 + $1.weight }
        var rest = random.uniform() * sum
        for proposal in fitting {
            rest -= proposal.weight
            if rest <= 0 { return proposal.id }
        }
        return fitting.last?.id
    }

    private func isWord(_ id: Int32) -> Bool {
        guard !special.contains(id), let token = source.tokenizer.token(of: id) else { return false }
        return token.contains { $0.isLetter && $0 != "Ġ" && $0 != "▁" }
    }

    /// Whether a token does not go on with the word before it, in the spelling of the vocabulary's kind.
    private func beginsWord(_ id: Int32) -> Bool {
        guard let token = source.tokenizer.token(of: id) else { return false }
        if source.tokenizer.marksContinuations { return !token.hasPrefix("##") }
        return token.hasPrefix("Ġ") || token.hasPrefix("▁")
    }
}
