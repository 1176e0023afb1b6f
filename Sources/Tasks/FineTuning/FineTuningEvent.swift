public import Checkpoints
public import SystemPackage

extension FineTuning {
    /// What is reported while training goes on.
    public enum Event: Sendable {
        case extractingFeatures(examples: Int)
        case step(Step)
        case evaluation(Evaluation)
        case stoppedEarly(Evaluation)
        /// The run goes on with a checkpoint; `step` steps were taken.
        case resumed(FilePath, epoch: Int, step: Int)
        case checkpoint(FilePath, step: Int)
        /// The run goes on without it.
        case checkpointFailed(RunCheckpointError)
        /// The run goes on with the copy in memory, or without it.
        case cannotWrite(Copy, CheckpointError)
        case rolledBack(Rollback)
        /// The learning rate is asked to rise for as many steps as the run has, or for more.
        case warmupExceedsRun(warmup: Int, steps: Int)
    }

    /// What a run keeps on the disk for itself.
    public enum Copy: Equatable, Sendable {
        case bestWeights
        case lastGoodState
    }

    /// A run that diverged went back.
    public struct Rollback: Equatable, Sendable {
        /// The step whose loss exploded or was not a number.
        public let divergedAt: Int
        /// The steps that count.
        public let step: Int
        /// What the learning rates are multiplied by from now on.
        public let learningRateScale: Double
    }

    public struct Step: Equatable, Sendable {
        public let epoch: Int
        /// From 1.
        public let step: Int
        /// Of the whole run, were it not to stop early.
        public let steps: Int
        public let loss: Double
        public let learningRate: Double
        /// Before the gradients were scaled; `nil` where it is not computed.
        public let gradientNorm: Double?
        public let samplesPerSecond: Double

        package init(
            epoch: Int, step: Int, steps: Int, loss: Double, learningRate: Double, gradientNorm: Double?,
            samplesPerSecond: Double
        ) {
            self.epoch = epoch
            self.step = step
            self.steps = steps
            self.loss = loss
            self.learningRate = learningRate
            self.gradientNorm = gradientNorm
            self.samplesPerSecond = samplesPerSecond
        }
    }
}
