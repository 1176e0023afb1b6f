import Checkpoints
import Embeddings
import Tensors

/// Fine-tuning as a run sees it.
final class FineTuningWork: TrainingWork {
    let train: FineTuning.Examples
    let dev: FineTuning.Examples?
    /// Where the head alone learns.
    private(set) var features: Tensor?
    private(set) var devFeatures: Tensor?
    /// Owns the run that owns this.
    private unowned let tuning: FineTuning
    /// As the epoch sees them.
    private var examples: FineTuning.Examples

    init(_ tuning: FineTuning, train: FineTuning.Examples, dev: FineTuning.Examples?) {
        self.tuning = tuning
        self.train = train
        self.dev = dev
        examples = train
    }

    /// Computes what the head sees, where it learns alone.
    ///
    /// - Returns: the seconds that those of the training examples took.
    ///   `nil` where it was interrupted, between two batches.
    func extractFeatures(isInterrupted: () -> Bool, _ report: (FineTuning.Event) -> Void) -> Double? {
        guard tuning.configuration.method.learnsHeadAlone else { return 0 }
        let start = monotonicSeconds()
        report(.extractingFeatures(examples: train.texts.count + (dev?.texts.count ?? 0)))
        // Behind an encoder that has learned in another precision, the head sees what it will see in use.
        tuning.model.freeze(tuning.configuration.method == .fewShot ? .f32 : tuning.configuration.precision)
        features = tuning.model.features(train, shouldStop: isInterrupted)
        let seconds = monotonicSeconds() - start
        devFeatures = dev.flatMap { tuning.model.features($0, shouldStop: isInterrupted) }
        return isInterrupted() ? nil : seconds
    }

    var dropout: RandomSource? { tuning.trainingStep.dropout }

    func batches(inEpoch epoch: Int, order: RandomSource) -> AnyRandomAccessCollection<[Int]> {
        examples = train.inEpoch(epoch)
        tuning.learning.choose(epoch: epoch)
        // Batches are packed without padding: texts of unlike lengths cost no more together, and sorting them would put like
        // labels together where labels go with lengths.
        let count = train.texts.count
        return AnyRandomAccessCollection(
            BatchSampler.shuffled.batches(
                count: count, size: tuning.configuration.examplesPerStep(of: count), order: order))
    }

    func take(_ batch: [Int], learningRate: Double) -> TrainingStep.Result {
        tuning.trainingStep.take(batch, of: examples, features: features, learningRate: learningRate)
    }

    func evaluate() -> EvaluationMetrics? {
        dev.map { dev in
            if devFeatures == nil { tuning.model.freeze(.f32) }
            return tuning.model.evaluate(dev, features: devFeatures)
        }
    }

    func identity() throws(CheckpointError) -> RunIdentity {
        try RunIdentity(tuning.model, tuning.configuration, train: train, dev: dev)
    }
}
