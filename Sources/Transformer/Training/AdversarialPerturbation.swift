import Tensors

/// A step of the word vectors to where the loss is larger, for a second pass whose gradients are added.
///
/// Source: Miyato, Dai and Goodfellow 2017, "Adversarial Training Methods for Semi-Supervised Text Classification",
/// equation 5 (the fast gradient method), on the table instead of its normalized rows.
public enum AdversarialPerturbation {
    /// Moves the table by `size` along its gradient while `body` runs. A table without gradient stays.
    public static func apply(to table: Parameter, size: Float, _ body: () -> Void) {
        guard let gradient = table.gradient, gradient.sumOfSquares > 0 else { return }
        let kept = table.value
        let scale = size / Float(gradient.sumOfSquares.squareRoot())
        table.update { value in
            switch gradient {
            case .dense(var step):
                step.scale(by: scale)
                value += step
            case .rows(let rows):
                var steps = rows.values
                steps.scale(by: scale)
                value.scatterAdd(steps, at: rows.rows)
            }
        }
        body()
        table.update { $0 = kept }
    }
}
