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

    /// - Parameter hidden: the hidden states of packed sequences, `[tokens, hiddenSize]`.
    /// - Returns: `[sequences.count, hiddenSize]`
    public func pool(_ hidden: Tensor, _ sequences: [Range<Int>]) -> Tensor {
        switch self {
        case .cls: hidden.gather(sequences.map { Int32($0.lowerBound) })
        case .lastToken: hidden.gather(sequences.map { Int32($0.upperBound - 1) })
        case .max: hidden.largestValues(of: sequences)
        case .mean: hidden.weightedSums(of: sequences) { _, length in 1 / Float(length) }
        case .meanSqrtLenTokens: hidden.weightedSums(of: sequences) { _, length in 1 / Float(length).squareRoot() }
        case .weightedMean:
            hidden.weightedSums(of: sequences) { place, length in
                Float(place + 1) / Float(length * (length + 1) / 2)
            }
        }
    }
}
