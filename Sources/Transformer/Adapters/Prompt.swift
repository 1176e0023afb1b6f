import Tensors

/// Learned vectors in front of the words of every text.
///
/// Source: Lester et al. 2021, "The Power of Scale for Parameter-Efficient Prompt Tuning", §2.
public final class Prompt {
    public let embeddings: Parameter  // [virtualTokens, embeddingSize]

    init(embeddings: Parameter) { self.embeddings = embeddings }

    var virtualTokens: Int { embeddings.shape.rows }

    /// The table of words with the vectors behind them, from row `vocabSize` on.
    func table(behind words: StoredTensor) -> StoredTensor {
        let (count, vectors) = (words.rows, embeddings.value)
        return StoredTensor([count + virtualTokens, words.columns]) { rows in
            let first = rows.clamped(to: 0..<count)
            let second = rows.clamped(to: count..<count + vectors.rows)
            if second.isEmpty { return words.rows(first).tensor }
            let own = vectors.rows(second.lowerBound - count..<second.upperBound - count)
            return first.isEmpty ? own : Tensor(rows: [words.rows(first).tensor, own])
        }
    }
}
