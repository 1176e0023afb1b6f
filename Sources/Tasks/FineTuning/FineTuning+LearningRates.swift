import Tensors

extension FineTuning {
    /// Takes a few steps with growing learning rates, after which the weights are as they were before.
    ///
    /// The optimizer is used up by it: another `FineTuning` trains.
    public func findLearningRate(train: Examples, report: (Event) -> Void) throws(Failure) -> LearningRateRange {
        if let error = bestWeights.keep() { report(.cannotWrite(.bestWeights, error)) }
        let run = prepare(train, nil, report)
        let order = RandomSource(seed: state.order)
        learning.choose(epoch: configuration.epochs)
        var range = LearningRateRange()
        var batches: [[Int]] = []
        var loss = 0.0
        repeat {
            if batches.isEmpty {
                batches = TrainingBatches.epoch(
                    lengths: run.lengths, batchSize: run.batchSize,
                    accumulating: configuration.optimization.accumulation, order: order)
            }
            loss =
                trainingStep.take(
                    batches.removeFirst(), of: train, features: run.features,
                    learningRate: LearningRateRange.learningRate(at: range.points.count)
                ).loss
        } while range.add(loss: loss)
        do { try bestWeights.restore() } catch { throw .weights(error) }
        return range
    }
}
