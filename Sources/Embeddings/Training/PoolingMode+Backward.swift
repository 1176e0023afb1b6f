import Tensors

extension PoolingMode {
    /// The gradient of the hidden states from that of what was pooled of them.
    ///
    /// - Parameters:
    ///   - gradient: `[sequences.count, hiddenSize]`
    ///   - hidden: what was pooled, `[tokens, hiddenSize]`.
    func backward(_ gradient: Tensor, _ hidden: Tensor, _ sequences: [Range<Int>], skipping skipped: Int) -> Tensor {
        let counted =
            skipped == 0 ? sequences : sequences.map { min($0.lowerBound + skipped, $0.upperBound - 1)..<$0.upperBound }
        switch self {
        case .cls, .lastToken:
            var result = Tensor.zeros(hidden.shape)
            let rows = counted.map { Int32(self == .cls ? $0.lowerBound : $0.upperBound - 1) }
            result.scatterAdd(gradient, at: rows)
            return result
        case .max: return backwardOfLargest(gradient, hidden, counted)
        case .mean, .meanSqrtLenTokens, .weightedMean:
            // The row of each token's sequence, and what the token counts in it.
            var rows = [Int32](repeating: 0, count: hidden.rows)
            var factors = [Float](repeating: 0, count: hidden.rows)
            for (index, range) in counted.enumerated() {
                for (place, token) in range.enumerated() {
                    rows[token] = Int32(index)
                    factors[token] = weight(place, range.count, skipped)
                }
            }
            return gradient.gather(rows).scaledEachRow(by: Tensor([hidden.rows], factors))
        }
    }

    /// The first of equal values takes all.
    private func backwardOfLargest(_ gradient: Tensor, _ hidden: Tensor, _ sequences: [Range<Int>]) -> Tensor {
        let columns = hidden.columns
        var result = Tensor.zeros(hidden.shape)
        result.mutate { result in
            for (index, range) in sequences.enumerated() {
                for column in 0..<columns {
                    var best = range.lowerBound
                    for token in range
                    where hidden.values[token * columns + column] > hidden.values[best * columns + column] {
                        best = token
                    }
                    result[best * columns + column] += gradient.values[index * columns + column]
                }
            }
        }
        return result
    }
}

extension SentencePooling {
    /// The gradient of the hidden states from that of what `pool` made of them.
    func backward(_ gradient: Tensor, _ hidden: Tensor, _ sequences: [Range<Int>], promptLength: Int) -> Tensor {
        let skipped = includesPrompt ? 0 : promptLength
        let size = hidden.columns
        let parts = modes.enumerated().map { index, mode in
            let part = modes.count == 1 ? gradient : gradient.columns(index * size..<(index + 1) * size)
            return mode.backward(part, hidden, sequences, skipping: skipped)
        }
        return parts.dropFirst().reduce(parts[0], +)
    }
}
