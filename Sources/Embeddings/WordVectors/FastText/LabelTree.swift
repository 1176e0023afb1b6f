import Glibc

/// The labels of a model with hierarchical softmax as leaves of a Huffman tree: a label's probability is the product of the
/// turns on the way to it.
///
/// Source: fastText 0.9.2, `HierarchicalSoftmaxLoss::buildTree`.
struct LabelTree: Sendable {
    /// The nodes below each inner node, which stand behind the leaves and have a row of the output matrix each: `no`, `yes`.
    private let children: [(no: Int, yes: Int)]
    private let leaves: Int

    /// - Parameter counts: of the labels, largest first, as models have them.
    init(counts: [Int64]) {
        leaves = counts.count
        var weights = counts
        var children: [(no: Int, yes: Int)] = []
        var (leaf, node) = (leaves - 1, leaves)
        for _ in 0..<max(0, leaves - 1) {
            func next() -> Int {
                if leaf >= 0, node >= weights.count || weights[leaf] < weights[node] {
                    leaf -= 1
                    return leaf + 1
                }
                node += 1
                return node - 1
            }
            let pair = (no: next(), yes: next())
            children.append(pair)
            weights.append(weights[pair.no] &+ weights[pair.yes])
        }
        self.children = children
    }

    /// The logarithms of the labels' probabilities.
    ///
    /// - Parameter scores: of the inner nodes.
    func logProbabilities(_ scores: [Float]) -> [Float] {
        var result = [Float](repeating: 0, count: leaves + children.count)
        // Parents stand behind their children.
        for inner in children.indices.reversed() {
            let (no, yes) = children[inner]
            let own = result[leaves + inner]
            result[no] = own - softplus(scores[inner])
            result[yes] = own - softplus(-scores[inner])
        }
        return Array(result[..<leaves])
    }

    /// `log(1 + exp(x))`
    private func softplus(_ x: Float) -> Float { max(x, 0) + log1pf(expf(-abs(x))) }
}
