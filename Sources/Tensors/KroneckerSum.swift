/// `H = Σᵢ Aᵢ ⊗ Wᵢ`: a large matrix made of a few small ones.
///
/// Source: Zhang et al. 2021, "Beyond Fully-Connected Layers with Quaternions", §3.1, equation 4.
public struct KroneckerSum: Equatable, Sendable {
    /// `[n, n, n]`: the `Aᵢ`.
    public let rules: Tensor
    /// `[n, rows, columns]`: the `Wᵢ`.
    public let blocks: Tensor

    public init(rules: Tensor, blocks: Tensor) {
        let n = rules.shape[0]
        precondition(
            rules.shape == [n, n, n] && blocks.shape.dimensions.count == 3 && blocks.shape[0] == n,
            "Kronecker products of \(rules.shape) and \(blocks.shape)")
        (self.rules, self.blocks) = (rules, blocks)
    }

    private var n: Int { rules.shape[0] }
    private var rows: Int { blocks.shape[1] }
    private var columns: Int { blocks.shape[2] }

    /// `Hᵀ`, `[n·columns, n·rows]`: what a linear layer keeps.
    public var transposed: Tensor {
        var result = [Float](repeating: 0, count: n * n * rows * columns)
        forEach { ruleIndex, blockIndex, index in
            result[index] += rules.values[ruleIndex] * blocks.values[blockIndex]
        }
        return Tensor([n * columns, n * rows], result)
    }

    /// The gradients of `rules` and `blocks` from that of `transposed`.
    public func gradients(_ gradient: Tensor) -> (rules: Tensor, blocks: Tensor) {
        precondition(gradient.shape == [n * columns, n * rows], "\(gradient.shape)")
        var (ofRules, ofBlocks) = (
            [Float](repeating: 0, count: rules.count), [Float](repeating: 0, count: blocks.count)
        )
        forEach { ruleIndex, blockIndex, index in
            ofRules[ruleIndex] += gradient.values[index] * blocks.values[blockIndex]
            ofBlocks[blockIndex] += gradient.values[index] * rules.values[ruleIndex]
        }
        return (Tensor(rules.shape, ofRules), Tensor(blocks.shape, ofBlocks))
    }

    /// Calls `body` with the places of every product: in the rules, in the blocks, and in `Hᵀ`.
    @inline(__always)
    private func forEach(_ body: (_ rule: Int, _ block: Int, _ index: Int) -> Void) {
        for i in 0..<n {
            for a in 0..<n {
                for b in 0..<n {
                    for p in 0..<rows {
                        for q in 0..<columns {
                            body(
                                (i * n + a) * n + b, (i * rows + p) * columns + q,
                                (b * columns + q) * n * rows + a * rows + p)
                        }
                    }
                }
            }
        }
    }
}
