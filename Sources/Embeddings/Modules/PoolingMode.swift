public import Tensors

/// How the hidden states of a sequence become one vector.
///
/// Source: Reimers and Gurevych 2019, "Sentence-BERT", §3; the names are those of sentence-transformers' `Pooling`.
public enum PoolingMode: String, Sendable, CaseIterable {
    case cls
    case mean
    case max
    /// The sum divided by the square root of the length.
    case meanSqrtLenTokens = "mean_sqrt_len_tokens"
    /// The mean with weights that grow with the place. Source: Muennighoff 2022, "SGPT", §4.
    case weightedMean = "weightedmean"
    case lastToken = "lasttoken"

    /// The order in which the older form of `1_Pooling/config.json` has vectors side by side.
    static let olderOrder: [PoolingMode] = [.cls, .max, .mean, .meanSqrtLenTokens, .weightedMean, .lastToken]

    /// The key of `1_Pooling/config.json` that chooses this mode.
    var configurationKey: String {
        switch self {
        case .cls: "pooling_mode_cls_token"
        case .mean: "pooling_mode_mean_tokens"
        case .max: "pooling_mode_max_tokens"
        case .meanSqrtLenTokens: "pooling_mode_mean_sqrt_len_tokens"
        case .weightedMean: "pooling_mode_weightedmean_tokens"
        case .lastToken: "pooling_mode_lasttoken"
        }
    }

    /// - Parameters:
    ///   - hidden: the hidden states of packed sequences, `[tokens, hiddenSize]`.
    ///   - skipped: the number of tokens at the beginning of each sequence that are left out; the last one always counts.
    /// - Returns: `[sequences.count, hiddenSize]`
    public func pool(_ hidden: Tensor, _ sequences: [Range<Int>], skipping skipped: Int = 0) -> Tensor {
        let sequences =
            skipped == 0 ? sequences : sequences.map { min($0.lowerBound + skipped, $0.upperBound - 1)..<$0.upperBound }
        switch self {
        case .cls: return hidden.gather(sequences.map { Int32($0.lowerBound) })
        case .lastToken: return hidden.gather(sequences.map { Int32($0.upperBound - 1) })
        case .max: return hidden.largestValues(of: sequences)
        case .mean, .meanSqrtLenTokens, .weightedMean:
            return hidden.weightedSums(of: sequences) { place, length in weight(place, length, skipped) }
        }
    }

    /// What a token counts in a weighted sum, by its place among those that count.
    func weight(_ place: Int, _ length: Int, _ skipped: Int) -> Float {
        switch self {
        case .mean: 1 / Float(length)
        case .meanSqrtLenTokens: 1 / Float(length).squareRoot()
        // Places keep their weights when others are left out.
        case .weightedMean: Float(skipped + place + 1) / Float(length * (2 * skipped + length + 1) / 2)
        case .cls, .max, .lastToken: preconditionFailure("\(rawValue) pooling is no weighted sum")
        }
    }
}
