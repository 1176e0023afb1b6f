public import Checkpoints
public import SystemPackage
public import Tensors

extension FineTuning {
    /// Why a run ended without a model.
    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        case diverged(epoch: Int, step: Int)
        case memory(MemoryShortage)
        /// What was kept on the disk cannot be read again.
        case weights(CheckpointError)
        case checkpoint(RunCheckpointError)
        /// - Parameter checkpoint: where the run can go on from.
        case interrupted(step: Int, checkpoint: FilePath?)
        /// The result cannot be written.
        ///
        /// - Parameter checkpoint: holds it, or an earlier state of the run.
        case output(CheckpointError, checkpoint: FilePath?)

        public var description: String {
            switch self {
            case .memory(let error): "\(error)"
            case .weights(let error): "\(error)"
            case .checkpoint(let error): "\(error)"
            case .interrupted(let step, let checkpoint):
                "interrupted after step \(step). "
                    + (checkpoint.map { "Run the same command with --resume to go on: \($0) holds the run." }
                        ?? "Nothing was written.")
            case .output(let error, let checkpoint):
                "\(error)"
                    + (checkpoint.map { " The run is in \($0): then run the same command with --resume." } ?? "")
            case .diverged(let epoch, let step):
                "the loss or a weight is not a number, or exploded, in epoch \(epoch), step \(step). Lower --learning-rate; no model was written."
            }
        }
    }
}
