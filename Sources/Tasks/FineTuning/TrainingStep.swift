import Tensors
import Transformer

/// One step of training: forward, loss, backward, the optimizer's step, clear gradients.
final class TrainingStep {
    private let model: any TrainableModel
    private let optimizer: any Optimizer
    let dropout: RandomSource

    struct Result {
        let loss: Double
        /// Before the gradients were scaled.
        let gradientNorm: Double
    }

    init(_ model: any TrainableModel, _ optimizer: any Optimizer, dropout: RandomSource) {
        self.model = model
        self.optimizer = optimizer
        self.dropout = dropout
    }

    /// - Parameters:
    ///   - batch: indices of the examples.
    ///   - features: of all examples, where the head alone learns.
    func take(_ batch: [Int], of examples: FineTuning.Examples, features: Tensor?, learningRate: Double) -> Result {
        let loss = features.map { learnHead(batch, examples, $0) } ?? learn(batch, examples)
        let norm = optimizer.step(learningRate: learningRate)
        optimizer.clearGradients()
        return Result(loss: loss, gradientNorm: norm)
    }

    private func learnHead(_ batch: [Int], _ examples: FineTuning.Examples, _ features: Tensor) -> Double {
        let (logits, saved) = model.head.forward(features.gather(batch.map { Int32($0) }), training: dropout)
        let (loss, gradient) = examples.targets.gather(batch).loss(logits)
        _ = model.head.backward(gradient, saved)
        return loss
    }

    private func learn(_ batch: [Int], _ examples: FineTuning.Examples) -> Double {
        model.pack()
        var loss = 0.0
        for part in TrainingBatches.parts(of: batch, examples.texts) {
            let (logits, saved) = model.forward(TokenBatch(part.map { examples.texts[$0] }), training: dropout)
            var (value, gradient) = examples.targets.gather(part).loss(logits)
            let share = Double(part.count) / Double(batch.count)
            gradient.scale(by: Float(share))
            model.backward(gradient, saved)
            loss += share * value
        }
        return loss
    }
}
