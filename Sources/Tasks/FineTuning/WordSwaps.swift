public import Checkpoints
public import SystemPackage
import Tensors
import Tokenizers

/// Words that a masked-language head would put in the place of others.
///
/// Source: Wu et al. 2019, "Conditional BERT Contextual Augmentation", §3; here without the label as a condition.
public struct WordSwaps {
    private let model: MaskedLanguageModel
    private let special: Set<Int32>
    /// How many of the words are asked for; each is taken half of the time.
    private let share: Float
    /// Of how many likely words one is drawn.
    private static let candidates = 8

    /// - Parameter share: of the words that are to be others in an epoch.
    public init(_ model: MaskedLanguageModel, share: Float) {
        self.model = model
        special = model.tokenizer.placeholders
        self.share = min(1, 2 * share)
    }

    /// Other words for texts, kept in a file without a name; as many tokens as before.
    ///
    /// - Parameter seed: same seed, same words.
    public func swapped(
        _ texts: TokenizedTexts, seed: UInt64, keepingTokensIn directory: FilePath
    ) throws(CheckpointError) -> TokenizedTexts {
        var writer = try TokenFileWriter(in: directory)
        for start in stride(from: 0, to: texts.count, by: Self.window) {
            let rows = start..<min(texts.count, start + Self.window)
            let seeds = rows.map { RandomSource(seed: seed &+ UInt64($0)).next() }
            for text in swapped(rows.map { texts[$0] }, seeds: seeds) { try writer.append(text) }
        }
        return TokenizedTexts(try writer.finish())
    }

    private static let window = 512

    /// The texts with other words in some places; as many tokens as before.
    ///
    /// - Parameter seeds: of each text.
    private func swapped(_ texts: [TokenizedText], seeds: [UInt64]) -> [TokenizedText] {
        let places = texts.indices.map { index in
            let random = RandomSource(seed: seeds[index])
            return wholeWords(texts[index].ids).filter { _ in random.uniform() < share }
        }
        let masked = texts.indices.map { index in
            var ids = texts[index].ids
            for place in places[index] { ids[place] = model.maskID }
            return TokenizedText(ids: ids, typeIDs: texts[index].typeIDs)
        }
        let found = model.candidates(masked, count: Self.candidates)
        return texts.indices.map { index in
            var ids = texts[index].ids
            let random = RandomSource(seed: ~seeds[index])
            // A text may hold the mask itself.
            let masks = masked[index].ids.indices.filter { masked[index].ids[$0] == model.maskID }
            for (mask, candidates) in zip(masks, found[index]) where places[index].contains(mask) {
                if let id = draw(candidates, insteadOf: ids[mask], random) { ids[mask] = id }
            }
            return TokenizedText(ids: ids, typeIDs: texts[index].typeIDs)
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

    private func draw(_ candidates: [MaskedLanguageModel.Candidate], insteadOf id: Int32, _ random: RandomSource)
        -> Int32?
    {
        let fitting = candidates.filter { $0.id != id && isWord($0.id) && beginsWord($0.id) == beginsWord(id) }
        let sum = fitting.reduce(0) { $0 + $1.probability }
        var rest = random.uniform() * sum
        for candidate in fitting {
            rest -= candidate.probability
            if rest <= 0 { return candidate.id }
        }
        return fitting.last?.id
    }

    private func isWord(_ id: Int32) -> Bool {
        guard !special.contains(id), let token = model.tokenizer.token(of: id) else { return false }
        return token.contains { $0.isLetter && $0 != "Ġ" && $0 != "▁" }
    }

    /// Whether a token does not go on with the word before it, in the spelling of the vocabulary's kind.
    private func beginsWord(_ id: Int32) -> Bool {
        guard let token = model.tokenizer.token(of: id) else { return false }
        if model.tokenizer.marksContinuations { return !token.hasPrefix("##") }
        return token.hasPrefix("Ġ") || token.hasPrefix("▁")
    }
}
