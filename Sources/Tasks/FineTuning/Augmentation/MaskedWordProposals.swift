import Embeddings
import Tokenizers

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
