public import Checkpoints
import JSON
import SystemPackage

/// What sentence-transformers' `modules.json` says: how hidden states become vectors.
///
/// Without that file: the mean of the hidden states, not normalized.
public struct SentenceModules: Equatable, Sendable {
    public var pooling = PoolingMode.mean
    public var normalizes = false

    public init(_ directory: ModelDirectory) throws(CheckpointError) {
        guard directory.exists("modules.json") else { return }
        let path = directory.path.appending("modules.json")
        for (index, module) in try JSONFile.array(path, purpose: "the modules of a sentence encoder").enumerated() {
            guard let type = module["type"]?.string, let folder = module["path"]?.string else {
                throw .invalidValue(path, key: "[\(index)]", found: nil, expected: "an object with type and path")
            }
            // Releases differ in the package's path, not in the class's name.
            switch type.split(separator: ".").last {
            case "Transformer": break
            case "Pooling": pooling = try Self.pooling(directory.path.appending(folder).appending("config.json"))
            case "Normalize": normalizes = true
            default:
                throw .invalidValue(
                    path, key: "[\(index)].type", found: "\"\(type)\"", expected: "Transformer, Pooling or Normalize")
            }
        }
    }

    private static func pooling(_ path: FilePath) throws(CheckpointError) -> PoolingMode {
        let file = try JSONFile(path, purpose: "the pooling of a sentence encoder")
        if let name = file.object["pooling_mode"]?.string {
            guard let mode = PoolingMode(rawValue: name) else {
                throw file.invalid("pooling_mode", expected: Self.names)
            }
            return mode
        }
        let modes = PoolingMode.allCases.filter { file.object[$0.configurationKey]?.bool == true }
        guard modes.count == 1 else {
            throw .invalidValue(
                path, key: "pooling_mode_*", found: "true for \(modes.count) modes",
                expected: "true for one of \(names)")
        }
        return modes[0]
    }

    private static var names: String { PoolingMode.allCases.map(\.rawValue).joined(separator: ", ") }
}
