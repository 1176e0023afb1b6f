public import Tensors

/// How hidden states become one vector: by one mode, or by several side by side.
public struct SentencePooling: Equatable, Sendable {
    public var modes: [PoolingMode]
    /// Whether the tokens of a prompt count.
    public var includesPrompt = true

    public init(_ modes: [PoolingMode] = [.mean], includesPrompt: Bool = true) {
        self.modes = modes
        self.includesPrompt = includesPrompt
    }

    /// For people.
    var summary: String {
        modes.map(\.rawValue).joined(separator: " and ") + " pooling" + (includesPrompt ? "" : " without the prompt")
    }

    /// - Parameters:
    ///   - hidden: the hidden states of packed sequences, `[tokens, hiddenSize]`.
    ///   - promptLength: the number of tokens at the beginning of each sequence that are a prompt's.
    /// - Returns: `[sequences.count, modes.count · hiddenSize]`
    public func pool(_ hidden: Tensor, _ sequences: [Range<Int>], promptLength: Int = 0) -> Tensor {
        let skipped = includesPrompt ? 0 : promptLength
        let parts = modes.map { $0.pool(hidden, sequences, skipping: skipped) }
        return parts.count == 1 ? parts[0] : Tensor(columns: parts)
    }
}
