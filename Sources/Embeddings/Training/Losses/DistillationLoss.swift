public import Tensors
import Transformer

/// The mean squared difference from a teacher's vectors.
///
/// Source: Reimers and Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation",
/// §3.
public struct DistillationLoss: SentenceLoss {
    public init() {}

    /// - Parameter targets: the teacher's vectors, of the size of the student's.
    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        let parts = zip(columns, targets.vectors).map { MeanSquaredErrorLoss.evaluate($0, targets: $1) }
        let share = 1 / Double(columns.count)
        return (
            parts.reduce(0) { $0 + $1.loss * share },
            parts.map { part in
                var gradient = part.gradient
                gradient.scale(by: Float(share))
                return gradient
            }
        )
    }
}

/// The differences between an anchor's similarities to its positive and to its negatives are to be the teacher's: the mean
/// of their squared errors, with scalar products for similarities.
///
/// Source: Hofstätter et al. 2020, "Improving Efficient Neural Ranking Models with Cross-Architecture Knowledge
/// Distillation", §4.1.
public struct MarginDistillationLoss: SentenceLoss {
    public init() {}

    /// - Parameters:
    ///   - columns: anchors, positives, and columns of negatives.
    ///   - targets: of every example the teacher's margin, with one negative; or the teacher's vectors.
    public func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult {
        let negatives = columns.count - 2
        let wanted =
            if case .vectors(let teacher) = targets { margins(teacher) } else { targets.scores.map(Double.init) }
        let found = margins(columns)
        let share = 2 / Double(found.count)
        let errors = zip(found, wanted).map { $0 - $1 }
        let count = columns[0].rows
        var gradients = columns.map { Tensor.zeros($0.shape) }
        for negative in 0..<negatives {
            let factors = errors[negative * count..<(negative + 1) * count].map { Float($0 * share) }
            let minus = factors.map { -$0 }
            gradients[0].add(columns[1], rowsTimes: factors)
            gradients[0].add(columns[2 + negative], rowsTimes: minus)
            gradients[1].add(columns[0], rowsTimes: factors)
            gradients[2 + negative].add(columns[0], rowsTimes: minus)
        }
        return (errors.reduce(0) { $0 + $1 * $1 } * share / 2, gradients)
    }

    /// Of all examples, for one column of negatives after the other.
    private func margins(_ columns: [Tensor]) -> [Double] {
        let near = columns[0].rowProducts(columns[1])
        return columns.dropFirst(2).flatMap { negatives in
            zip(near, columns[0].rowProducts(negatives)).map { Double($0) - Double($1) }
        }
    }
}
