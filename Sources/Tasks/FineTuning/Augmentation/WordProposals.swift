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
