public import Checkpoints
public import Tensors

extension FineTuning {
    /// What is reported while training goes on.
    public enum Event: Sendable {
        case extractingFeatures(examples: Int)
        case step(epoch: Int, step: Int, steps: Int, loss: Double, samplesPerSecond: Double)
        case epoch(EpochResult)
        case stoppedEarly(epoch: Int)
    }

    public struct EpochResult: Equatable, Sendable {
        public let epoch: Int
        public let trainingLoss: Double
        public let dev: EvaluationMetrics?
        public let isBest: Bool
    }

    public struct Outcome: Sendable {
        public let epochs: [EpochResult]
        /// The epoch whose weights the classifier holds now.
        public let bestEpoch: Int
        public let steps: Int
        /// Training alone, without the evaluations on dev.
        public let trainingSeconds: Double
        public let samplesPerSecond: Double
    }

    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        case diverged(epoch: Int, step: Int)
        case memory(MemoryShortage)
        /// The best weights cannot be kept beside the output.
        case weights(CheckpointError)

        public var description: String {
            switch self {
            case .memory(let error): "\(error)"
            case .weights(let error): "\(error)"
            case .diverged(let epoch, let step):
                "the loss or a weight is not a number in epoch \(epoch), step \(step). Lower --learning-rate; nothing was written."
            }
        }
    }
}
