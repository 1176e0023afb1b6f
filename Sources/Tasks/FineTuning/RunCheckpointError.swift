public import Checkpoints
public import SystemPackage

/// Why a checkpoint of a run cannot be used.
public enum RunCheckpointError: Error, Equatable, Sendable {
    /// A run that was not asked to go on found the checkpoint of another.
    case exists(FilePath)
    /// What differs from the run that wrote it.
    case otherRun(FilePath, differences: [String])
    case damaged(FilePath)
    /// A file of a checkpoint whose bytes are not those that were written.
    case changed(FilePath)
    /// Another process trains there.
    case inUse(FilePath)
    case file(CheckpointError)
}

extension RunCheckpointError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .exists(let path):
            "\(path): the checkpoint of a run that did not end. Add --resume to go on with it, or remove it."
        case .otherRun(let path, let differences):
            "\(path): the checkpoint of another run; what differs: \(differences.joined(separator: ", ")). "
                + "Start the run as it was, or remove the checkpoint."
        case .damaged(let path): "\(path): not a checkpoint that this version wrote. Remove it, and start again."
        case .changed(let path):
            "\(path): its bytes are not those that the run wrote: a disk or a copy has changed them. No other checkpoint is "
                + "kept: remove \(path.removingLastComponent().removingLastComponent()), and start the run again."
        case .inUse(let path): "\(path): another process trains there. Wait for it, or choose another output."
        case .file(let error): "\(error)"
        }
    }
}
