import Tensors
import Transformer

extension FineTuning {
    /// Takes a few steps with growing learning rates, after which the weights are as they were before.
    ///
    /// The optimizer is used up by it: another `FineTuning` trains.
    public func findLearningRate(train: Examples, report: (Event) -> Void) throws(Failure) -> LearningRateRange {
        let start = BestWeights(optimizer.parameters, in: scratch)
        if let error = start.keep() { report(.cannotWrite(.bestWeights, error)) }
        let work = FineTuningWork(self, train: train, dev: nil)
        _ = work.extractFeatures(isInterrupted: { false }, report)
        let order = RandomSource(seed: configuration.seed)
        var range = LearningRateRange()
        var batches: [[Int]] = []
        var loss = 0.0
        repeat {
            if batches.isEmpty { batches = Array(work.batches(inEpoch: configuration.epochs, order: order)) }
            loss =
                work.take(
                    batches.removeFirst(), learningRate: LearningRateRange.learningRate(at: range.points.count)
                ).loss
        } while range.add(loss: loss)
        do { try start.restore() } catch { throw .weights(error) }
        return range
    }
}
