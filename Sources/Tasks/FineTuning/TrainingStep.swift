package import Tensors
package import Transformer

/// One step of training: forward, loss, backward, the optimizer's step, clear gradients.
package final class TrainingStep {
    private let model: any TrainableModel
    private let optimizer: Optimizer
    private let optimization: Optimization
    private let batchSize: Int
    /// `nil` drops nothing.
    let dropout: RandomSource?
    private let mixout: Mixout?
    private let penalty: StartingPointPenalty?

    package struct Result {
        package let loss: Double
        /// Before the gradients were scaled.
        package let gradientNorm: Double
    }

    /// - Parameter batchSize: the texts that mixup mixes; several batches may make a step.
    /// - Precondition: the model is as it is when training starts.
    package init(
        _ model: any TrainableModel, _ optimizer: Optimizer, _ optimization: Optimization = Optimization(),
        batchSize: Int, dropout: RandomSource?
    ) {
        self.model = model
        self.optimizer = optimizer
        self.optimization = optimization
        self.batchSize = batchSize
        self.dropout = dropout
        model.encoder.embeddings.noise = optimization.embeddingNoise
        let isNew = { (parameter: Parameter) in LearningParameters.isNew(parameter, model) }
        let matrices = optimizer.parameters.filter { $0.shape.dimensions.count == 2 && !isNew($0) }
        let tables = model.encoder.embeddings.tables.map(\.weight)
        mixout =
            optimization.mixout > 0
            ? Mixout(
                matrices.filter { matrix in !tables.contains { $0 === matrix } }, probability: optimization.mixout)
            : nil
        penalty =
            optimization.startingPointPenalty > 0
            ? StartingPointPenalty(optimizer.parameters, strength: optimization.startingPointPenalty, isNew: isNew)
            : nil
    }

    /// - Parameters:
    ///   - batch: indices of the examples.
    ///   - features: of all examples, where the head alone learns.
    package func take(
        _ batch: [Int], of examples: FineTuning.Examples, features: Tensor?, learningRate: Double
    ) -> Result {
        if let mixout, let dropout { mixout.mix(dropout) }
        if optimization.dropsAdapters, let dropout {
            model.encoder.skipAdapters(below: Int(dropout.uniform() * Float(model.encoder.layers.count)))
        }
        var loss = features.map { learnHead(batch, examples, $0) } ?? learn(batch, examples)
        if optimization.adversarialStep > 0 {
            AdversarialPerturbation.apply(
                to: model.encoder.embeddings.wordEmbeddings.weight, size: optimization.adversarialStep
            ) {
                _ = learn(batch, examples)
            }
        }
        mixout?.separate()
        loss += penalty?.addGradients() ?? 0
        model.encoder.regularizeFusions()
        if optimization.dropsAdapters { model.encoder.skipAdapters(below: 0) }
        let norm = optimizer.step(learningRate: learningRate)
        optimizer.clearGradients()
        return Result(loss: loss, gradientNorm: norm)
    }

    private func learnHead(_ batch: [Int], _ examples: FineTuning.Examples, _ features: Tensor) -> Double {
        let rows = features.gather(examples.targets.featureRows(of: batch))
        let mixup = mixup(rows.shape.rows)
        return accumulate(examples.targets.gather(batch).ofRows, mixup, share: 1) {
            model.head.forward(mixup?.mixed(rows) ?? rows, training: dropout)
        } backward: {
            _ = model.head.backward($0, $1)
        }
    }

    private func learn(_ batch: [Int], _ examples: FineTuning.Examples) -> Double {
        model.pack()
        let weight = optimization.objective.weight(of: examples.targets.gather(batch))
        var loss = 0.0
        for part in parts(of: batch, examples) {
            let tokens = TokenBatch(part.map { examples.texts[$0] })
            let targets = examples.targets.gather(part)
            let share = weight > 0 ? optimization.objective.weight(of: targets) / weight : 0
            let mixup = mixup(part.count)
            loss += accumulate(targets, mixup, share: share) {
                model.forward(tokens, training: dropout, mixup: mixup)
            } backward: {
                model.backward($0, $1)
            }
        }
        return loss
    }

    /// What passes through the encoder together. A text may be mixed with any other of its batch, which is not divided then.
    private func parts(of batch: [Int], _ examples: FineTuning.Examples) -> [[Int]] {
        guard optimization.mixupAlpha > 0 else {
            return TrainingParts.of(lengths: batch.map(examples.texts.length)).map { Array(batch[$0]) }
        }
        let size = min(batchSize, batch.count)
        return stride(from: 0, to: batch.count, by: size).map { Array(batch[$0..<min(batch.count, $0 + size)]) }
    }

    private func mixup(_ count: Int) -> Mixup? {
        guard optimization.mixupAlpha > 0, let dropout else { return nil }
        return Mixup(count, alpha: optimization.mixupAlpha, random: dropout)
    }

    /// Adds the gradients of a share of the batch: of one pass, or with R-Drop of two.
    private func accumulate<Saved>(
        _ targets: Targets, _ mixup: Mixup?, share: Double, forward: () -> (logits: Tensor, saved: Saved),
        backward: (Tensor, Saved) -> Void
    ) -> Double {
        let first = forward()
        func scaled(_ gradient: Tensor) -> Tensor {
            var gradient = gradient
            gradient.scale(by: Float(share))
            return gradient
        }
        guard optimization.objective.rDrop > 0 else {
            let (loss, gradient) = optimization.objective.loss(first.logits, targets, mixup)
            backward(scaled(gradient), first.saved)
            return share * loss
        }
        let second = forward()
        let (loss, gradient, other) = optimization.objective.loss(first.logits, second.logits, targets)
        backward(scaled(gradient), first.saved)
        backward(scaled(other), second.saved)
        return share * loss
    }
}
