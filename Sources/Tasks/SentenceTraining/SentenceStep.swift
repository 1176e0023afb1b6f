import Embeddings
import Tensors
import Transformer

/// One step of training a sentence encoder: forward, loss, backward, the optimizer's step, clear gradients.
final class SentenceStep {
    let optimizer: Optimizer
    let dropout: RandomSource
    private let encoder: TrainableSentenceEncoder
    private let loss: any SentenceLoss
    private let cachesGradients: Bool

    init(
        _ encoder: TrainableSentenceEncoder, _ loss: any SentenceLoss, _ configuration: SentenceTraining.Configuration,
        dropout: RandomSource
    ) {
        self.encoder = encoder
        self.loss = loss
        cachesGradients = configuration.cachesGradients
        self.dropout = dropout
        let parameters = encoder.parameters + loss.parameters
        optimizer = Optimizer(
            parameters, groups: parameters.map { ParameterGroup($0, weightDecay: configuration.weightDecay) },
            maxGradientNorm: configuration.maxGradientNorm)
    }

    /// - Parameter columns: the tokenized texts of the examples, a column at a time.
    func take(_ columns: [[[Int32]]], _ targets: SentenceTargets, learningRate: Double) -> TrainingStep.Result {
        step(columns.flatMap(\.self), learningRate: learningRate) { vectors in
            let count = columns[0].count
            let (value, gradients) = loss.evaluate(
                columns.indices.map { vectors.rows($0 * count..<($0 + 1) * count) }, targets)
            return (value, Tensor(rows: gradients))
        }
    }

    /// The same of examples whose texts are among a few, which are encoded once each.
    ///
    /// - Parameter places: of the examples' texts, a column at a time.
    func take(
        _ texts: [[Int32]], at places: [[Int32]], _ targets: SentenceTargets, learningRate: Double
    ) -> TrainingStep.Result {
        step(texts, learningRate: learningRate) { vectors in
            let (value, gradients) = loss.evaluate(places.map { vectors.gather($0) }, targets)
            var gradient = Tensor.zeros(vectors.shape)
            for (part, rows) in zip(gradients, places) { gradient.scatterAdd(part, at: rows) }
            return (value, gradient)
        }
    }

    /// Texts that are encoded together.
    private struct Part {
        let texts: Range<Int>
        let tokens: TokenBatch
        /// The state of the source of dropout before the part.
        let dropoutState: UInt64
        /// What the backward pass needs; `nil` where it is computed again.
        let saved: TrainableSentenceEncoder.Saved?
    }

    /// - Parameter evaluate: the loss of the texts' vectors, and its gradient.
    private func step(
        _ texts: [[Int32]], learningRate: Double, evaluate: (Tensor) -> (loss: Double, gradient: Tensor)
    ) -> TrainingStep.Result {
        encoder.encoder.pack()
        var vectors: [Tensor] = []
        let parts = TrainingParts.of(lengths: texts.map(\.count)).map { range in
            let tokens = TokenBatch(texts[range])
            let state = dropout.state
            let (rows, saved) = encoder.forward(tokens, training: dropout)
            vectors.append(rows)
            return Part(texts: range, tokens: tokens, dropoutState: state, saved: cachesGradients ? nil : saved)
        }
        let (value, gradient) = evaluate(Tensor(rows: vectors))
        for part in parts {
            let saved =
                part.saved
                ?? encoder.forward(part.tokens, training: RandomSource(seed: part.dropoutState)).saved
            encoder.backward(gradient.rows(part.texts), saved)
        }
        let norm = optimizer.step(learningRate: learningRate)
        optimizer.clearGradients()
        return TrainingStep.Result(loss: value, gradientNorm: norm)
    }
}
