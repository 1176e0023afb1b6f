public import Checkpoints
public import SystemPackage

/// Why a checkpoint of a run cannot be used.
public enum RunCheckpointError: Error, Equatable, Sendable {
    /// A run that was not asked to go on found the checkpoint of another.
    case exists(FilePath)
    /// What differs from the run that wrote it.
    case otherRun(FilePath, differences: [String])
    /// The folder of one checkpoint, as are those that the next two name a file of.
    case damaged(FilePath)
    /// A file whose bytes are not those that its checksum was made of.
    case changed(FilePath)
    case missing(FilePath)
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
        case .damaged(let path):
            "\(path): not a checkpoint that this version wrote. \(Self.startAgain(without: path))"
        case .changed(let path):
            "\(path) or \(FileChecksums.fileName) beside it is not as the run wrote it: a disk or a copy has changed it. "
                + Self.startAgain(without: path.removingLastComponent())
        case .missing(let path): "\(path): missing. \(Self.startAgain(without: path.removingLastComponent()))"
        case .inUse(let path): "\(path): another process trains there. Wait for it, or choose another output."
        case .file(let error): "\(error)"
        }
    }

    private static func startAgain(without checkpoint: FilePath) -> String {
        "No other checkpoint is kept: remove \(checkpoint.removingLastComponent()), and start the run again."
    }
}
