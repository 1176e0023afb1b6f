import Embeddings
import Tokenizers

/// A token that may stand in the place of another.
struct WordProposal: Equatable, Sendable {
    let id: Int32
    /// How often it is taken, beside the others of its place; at least 0.
    let weight: Float
}

/// Proposes other words for places of texts.
protocol WordProposals {
    var tokenizer: Tokenizer { get }

    /// - Parameter places: of each text, the indices of tokens that are words by themselves.
    /// - Returns: for each text, for each of its places, the best proposals, best first.
    func proposals(
        for texts: [TokenizedText], places: [[Int]]
    ) throws(WordVectorsError) -> [[[WordProposal]]]
}

/// What a masked-language head finds likeliest where the word is masked.
///
/// Source: Wu et al. 2019, "Conditional BERT Contextual Augmentation", §3; here without the label as a condition.
struct MaskedWordProposals: WordProposals {
    let model: MaskedLanguageModel

    var tokenizer: Tokenizer { model.tokenizer }

    func proposals(for texts: [TokenizedText], places: [[Int]]) -> [[[WordProposal]]] {
        let masked = texts.indices.map { index in
            var ids = texts[index].ids
            for place in places[index] { ids[place] = model.maskID }
            return TokenizedText(ids: ids, typeIDs: texts[index].typeIDs)
        }
        let found = model.candidates(masked, count: WordSwaps.candidates)
        return texts.indices.map { index in
            // A text may hold the mask itself.
            let masks = masked[index].ids.indices.filter { masked[index].ids[$0] == model.maskID }
            return zip(masks, found[index]).filter { places[index].contains($0.0) }.map { _, candidates in
                candidates.map { WordProposal(id: $0.id, weight: $0.probability) }
            }
        }
    }
}
