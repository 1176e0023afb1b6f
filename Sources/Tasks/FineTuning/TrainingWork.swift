import Checkpoints
import Tensors
import Transformer

/// What a run of training goes through: examples, and a model that learns from them.
protocol TrainingWork: AnyObject {
    /// `nil` drops nothing.
    var dropout: RandomSource? { get }

    /// The batches of an epoch, indices of examples; called once as an epoch begins, or goes on.
    ///
    /// - Parameter epoch: from 1.
    func batches(inEpoch epoch: Int, order: RandomSource) -> AnyRandomAccessCollection<[Int]>

    /// Learns from a batch of the epoch.
    func take(_ batch: [Int], learningRate: Double) -> TrainingStep.Result

    /// What the model reaches as it is now; `nil` where there is nothing to measure it on.
    func evaluate() -> EvaluationMetrics?

    /// What the run is of.
    func identity() throws(CheckpointError) -> RunIdentity
}

/// How long a run is.
struct TrainingPlan {
    let epochs: Int
    let schedule: LearningRateSchedule
    /// The number of steps after which the model is evaluated; `nil`: at the end of each epoch.
    let evaluationSteps: Int?
    /// Which weights the model has in the end.
    let keeps: FineTuning.KeptWeights
    /// Training stops after this many evaluations without a better one, where the best weights are kept.
    let patience: Int
}
