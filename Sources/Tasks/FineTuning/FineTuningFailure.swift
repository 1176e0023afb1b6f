public import Checkpoints
public import Tensors

extension FineTuning {
    /// Why a run ended without a model.
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
