public import Tensors

/// How far two passes with other dropout are apart: the divergence of their answers in both directions, halved, or of
/// numbers half the squared distance; and its gradients.
///
/// Source: Liang et al. 2021, "R-Drop: Regularized Dropout for Neural Networks", equation 2.
public enum ConsistencyLoss {
    public struct Value: Equatable, Sendable {
        /// The mean over the examples; of sets of labels over the labels too.
        public let loss: Double
        /// By the logits of the first pass, and of the second.
        public let first, second: Tensor
    }

    /// Of single labels: `½·(KL(p‖q) + KL(q‖p))` of both softmaxes.
    public static func ofClasses(_ first: Tensor, _ second: Tensor) -> Value {
        let (p, q) = (first.softmaxedRows(), second.softmaxedRows())
        let (logP, logQ) = (first.logSoftmaxedRows(), second.logSoftmaxedRows())
        let (rows, labels) = (first.rows, first.columns)
        var loss = 0.0
        var (gradientP, gradientQ) = (p, q)
        for row in 0..<rows {
            let range = row * labels..<(row + 1) * labels
            var (forward, backward) = (0.0, 0.0)
            for i in range {
                let gap = Double(logP.values[i] - logQ.values[i])
                forward += Double(p.values[i]) * gap
                backward -= Double(q.values[i]) * gap
            }
            loss += (forward + backward) / 2
            let scale = 0.5 / Double(rows)
            gradientP.mutate { values in
                for i in range {
                    let gap = Double(logP.values[i] - logQ.values[i])
                    let (a, b) = (Double(p.values[i]), Double(q.values[i]))
                    values[i] = Float(scale * (a * (gap - forward) + a - b))
                }
            }
            gradientQ.mutate { values in
                for i in range {
                    let gap = Double(logP.values[i] - logQ.values[i])
                    let (a, b) = (Double(p.values[i]), Double(q.values[i]))
                    values[i] = Float(scale * (b * (-gap - backward) + b - a))
                }
            }
        }
        return Value(loss: loss / Double(rows), first: gradientP, second: gradientQ)
    }

    /// Of sets of labels: for every label that of its yes and no, which is `½·(p - q)·(x - y)` of both logits.
    public static func ofLabelSets(_ first: Tensor, _ second: Tensor) -> Value {
        let (p, q) = (first.sigmoided(), second.sigmoided())
        let scale = 0.5 / Double(first.count)
        return pairwise(first, second) { i, x, y in
            let (a, b) = (Double(p.values[i]), Double(q.values[i]))
            return (
                scale * (a - b) * (x - y), scale * (a * (1 - a) * (x - y) + a - b),
                scale * (b * (1 - b) * (y - x) + b - a)
            )
        }
    }

    /// Of numbers: half the mean squared distance.
    public static func ofValues(_ first: Tensor, _ second: Tensor) -> Value {
        let scale = 1 / Double(first.count)
        return pairwise(first, second) { _, x, y in
            (0.5 * scale * (x - y) * (x - y), scale * (x - y), scale * (y - x))
        }
    }

    private static func pairwise(
        _ first: Tensor, _ second: Tensor,
        _ term: (_ index: Int, _ x: Double, _ y: Double) -> (loss: Double, first: Double, second: Double)
    ) -> Value {
        var loss = 0.0
        var (gradient, other) = (first, second)
        for i in 0..<first.count {
            let part = term(i, Double(first.values[i]), Double(second.values[i]))
            loss += part.loss
            gradient.mutate { $0[i] = Float(part.first) }
            other.mutate { $0[i] = Float(part.second) }
        }
        return Value(loss: loss, first: gradient, second: other)
    }
}
