public import Tensors
import Transformer

/// Each anchor's positive is to be more similar to it than the positives of the others, and than all hard negatives:
/// cross-entropy over `scale · cosine`. With all columns of one text each, encoded with different dropout, this is SimCSE.
///
/// Sources: Henderson et al. 2017, "Efficient Natural Language Response Suggestion for Smart Reply", §4.4; Gao et al. 2021,
/// "SimCSE", §3.
public struct MultipleNegativesRankingLoss: SentenceLoss {
    public var scale: Float
    /// Whether each positive is to find its anchor, too; the loss is the mean of both.
    public var isSymmetric: Bool

    public init(scale: Float = 20, isSymmetric: Bool = false) {
        self.scale = scale
        self.isSymmetric = isSymmetric
    }

    /// - Parameter columns: anchors, positives, and any number of columns of hard negatives.
    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        let count = columns[0].rows
        let anchors = UnitRows(columns[0])
        let candidates = UnitRows(Tensor(rows: Array(columns.dropFirst())))
        let own = Array(0..<count)
        var (loss, gradient) = ranking(anchors.rows, candidates.rows, own)
        if isSymmetric {
            let back = ranking(candidates.rows.rows(0..<count), anchors.rows, own)
            loss = (loss + back.loss) / 2
            gradient.mutate { gradient in
                for i in gradient.indices { gradient[i] /= 2 }
                for candidate in 0..<count {
                    for anchor in 0..<count {
                        gradient[anchor * candidates.rows.rows + candidate] +=
                            back.gradient.values[candidate * count + anchor] / 2
                    }
                }
            }
        }
        let ofAnchors = anchors.backward(matmul(gradient, candidates.rows))
        let ofCandidates = candidates.backward(
            matmul(transposed: ProductOperand(gradient), ProductOperand(anchors.rows)))
        return (loss, [ofAnchors] + (1..<columns.count).map { ofCandidates.rows(($0 - 1) * count..<$0 * count) })
    }

    /// - Returns: the loss, and its gradient by the cosines.
    private func ranking(_ a: Tensor, _ b: Tensor, _ targets: [Int]) -> (loss: Double, gradient: Tensor) {
        var scores = matmul(a, b.transposed)
        scores.scale(by: scale)
        var (loss, gradient) = CrossEntropyLoss.evaluate(scores, targets: targets)
        gradient.scale(by: scale)
        return (loss, gradient)
    }
}
