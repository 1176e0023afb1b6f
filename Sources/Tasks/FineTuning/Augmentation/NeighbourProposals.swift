import Embeddings
import Tensors
import Tokenizers

/// The words whose vectors are nearest to a word's, as far as the vocabulary has them as one token.
///
/// Source: Wang and Yang 2015, "That's So Annoying!!!: A Lexical and Frame-Semantic Embedding Based Data Augmentation
/// Approach to Automatic Categorization of Annoying Behaviors", §3.
final class NeighbourProposals: WordProposals {
    private let vectors: WordVectors
    let tokenizer: Tokenizer
    /// Of the tokens that have been asked for.
    private var found: [Int32: [WordProposal]] = [:]

    /// The frequent words come first in files of vectors; the rarer ones would make texts stranger, not richer.
    private static let frequentWords = 100_000
    /// How many neighbours are asked for, since some are no single tokens.
    private static let neighbours = 4 * WordSwaps.candidates

    init(_ vectors: WordVectors, _ tokenizer: Tokenizer) {
        self.vectors = vectors
        self.tokenizer = tokenizer
    }

    func proposals(
        for texts: [TokenizedText], places: [[Int]]
    ) throws(WordVectorsError) -> [[[WordProposal]]] {
        let asked = zip(texts, places).map { text, places in places.map { text.ids[$0] } }
        try find(Set(asked.joined()).filter { found[$0] == nil }.sorted())
        return asked.map { ids in ids.map { found[$0] ?? [] } }
    }

    private func find(_ ids: [Int32]) throws(WordVectorsError) {
        var queries: [(id: Int32, word: String, match: WordVectors.Match)] = []
        for id in ids {
            let word = String(tokenizer.decode([id]).trimmingPrefix(" "))
            if let match = try vectors.find(word) { queries.append((id, word, match)) } else { found[id] = [] }
        }
        let nearest = try vectors.nearest(
            to: queries.map(\.match.vector), k: Self.neighbours,
            excluding: queries.map { [$0.match.row].compactMap { $0 } }, words: Self.frequentWords)
        for (query, rows) in zip(queries, nearest) {
            found[query.id] = Array(
                rows.lazy.compactMap { row in
                    let word = self.vectors.word(Int(row.row))
                    let isCapital = query.match.spelling == .lowercase && query.word.first?.isUppercase == true
                    return self.token(isCapital ? word.prefix(1).uppercased() + word.dropFirst() : word)
                        .map { WordProposal(id: $0, weight: max(0, row.score)) }
                }.filter { $0.id != query.id }.prefix(WordSwaps.candidates))
        }
    }

    /// The token of a word within a text; `nil` where it has several.
    private func token(_ word: String) -> Int32? {
        let ids = tokenizer.ids(" " + word, addSpecialTokens: false)
        return ids.count == 1 ? ids[0] : nil
    }
}
