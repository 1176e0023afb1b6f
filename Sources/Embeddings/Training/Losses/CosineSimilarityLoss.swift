public import Tensors

/// The mean of `(cosine - score)²`.
///
/// Source: Reimers and Gurevych 2019, "Sentence-BERT", §3, the regression objective.
public struct CosineSimilarityLoss: SentenceLoss {
    public init() {}

    /// - Parameter columns: both texts of pairs; the scores are from -1 to 1.
    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        let cosines = RowSimilarities(.cosine, columns[0], columns[1])
        let count = Double(cosines.values.count)
        let errors = zip(cosines.values, targets.scores).map { Double($0) - Double($1) }
        let (a, b) = cosines.backward(errors.map { Float(2 * $0 / count) })
        return (errors.reduce(0) { $0 + $1 * $1 } / count, [a, b])
    }
}
