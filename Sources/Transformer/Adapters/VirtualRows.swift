import Tensors

/// Where the rows of virtual tokens and those of sequences stand once the virtual ones are in front of every sequence.
struct VirtualRows: Sendable {
    let virtualTokens: Int
    /// The rows of each sequence, virtual tokens included.
    let sequences: [Range<Int>]
    /// Of `[virtual; own]`, in the new order.
    private let indices: [Int32]

    /// - Parameter own: the rows of each sequence, one behind the other.
    init(_ virtualTokens: Int, before own: [Range<Int>]) {
        self.virtualTokens = virtualTokens
        var sequences: [Range<Int>] = []
        var indices: [Int32] = []
        for rows in own {
            let start = indices.count
            indices += 0..<Int32(virtualTokens)
            indices += rows.map { Int32($0 + virtualTokens) }
            sequences.append(start..<indices.count)
        }
        (self.sequences, self.indices) = (sequences, indices)
    }

    /// - Parameters: `virtual` is `[virtualTokens, columns]`, `own` is `[tokens, columns]`.
    func combined(_ virtual: Tensor, _ own: Tensor) -> Tensor { Tensor(rows: [virtual, own]).gather(indices) }

    /// The gradients of both from that of the combined rows.
    func split(_ gradient: Tensor) -> (virtual: Tensor, own: Tensor) {
        var sum = Tensor.zeros([virtualTokens, gradient.columns])
        for rows in sequences { sum += gradient.rows(rows.lowerBound..<rows.lowerBound + virtualTokens) }
        let own = sequences.flatMap { Int32($0.lowerBound + virtualTokens)..<Int32($0.upperBound) }
        return (sum, gradient.gather(own))
    }
}
