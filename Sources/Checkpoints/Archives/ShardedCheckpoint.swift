import JSON
public import SystemPackage

/// A checkpoint in several files of one format, with an index that says which tensor is in which:
/// `model.safetensors.index.json` or `pytorch_model.bin.index.json`.
///
/// Source: transformers, `save_pretrained` with `max_shard_size`.
public struct ShardedCheckpoint: TensorArchive {
    public let path: FilePath
    public let format: String
    public let files: [FilePath]
    public let entries: [TensorEntry]
    private let indices: [String: Int]

    public subscript(_ name: String) -> TensorEntry? { indices[name].map { entries[$0] } }

    /// - Parameter open: opens a shard; the file is in the index's directory.
    init(
        _ path: FilePath, open: (FilePath) throws(CheckpointError) -> any TensorArchive
    ) throws(CheckpointError) {
        let index = try JSONFile(path, purpose: "which tensor is in which file")
        guard let map = index.object["weight_map"]?.object else {
            throw index.invalid("weight_map", expected: "an object with a file for each tensor")
        }
        func check(_ fault: ShardFault?) throws(CheckpointError) {
            if let fault { throw .invalidShards(path, fault) }
        }
        var names: [String: Set<String>] = [:]
        for member in map.members {
            guard let file = member.value.string, let component = FilePath.Component(file),
                component.kind == .regular, component.string == file
            else { throw .invalidShards(path, .outsideDirectory(member.value.string ?? member.value.kind)) }
            if !names[file, default: []].insert(member.key).inserted { try check(.duplicateName(member.key)) }
        }
        let shards = names.keys.sorted()
        var entries: [TensorEntry] = []
        var formats: Set<String> = []
        for shard in shards {
            let file = path.removingLastComponent().appending(shard)
            let archive: any TensorArchive
            do throws(CheckpointError) { archive = try open(file) } catch {
                if case .unreadable(_, .noSuchFileOrDirectory) = error { throw .invalidShards(path, .missing(shard)) }
                throw error
            }
            formats.insert(archive.format)
            for entry in archive.entries where names[shard]?.remove(entry.name) == nil {
                try check(.unlistedTensor(entry.name, shard: shard))
            }
            if let name = names[shard]?.min() { try check(.missingTensor(name, shard: shard)) }
            entries += archive.entries
        }
        do throws(RepeatedName) { indices = try entries.indicesByName() } catch {
            throw .invalidShards(path, .duplicateName(error.name))
        }
        self.path = path
        self.entries = entries
        files = [path] + shards.map { path.removingLastComponent().appending($0) }
        format = "\(formats.sorted().joined(separator: " and ")) in \(shards.count.counted("file"))"
    }
}

/// What is wrong with a checkpoint in several files.
public enum ShardFault: Error, Equatable, Sendable, CustomStringConvertible {
    case outsideDirectory(String)
    case missing(String)
    case missingTensor(String, shard: String)
    case unlistedTensor(String, shard: String)
    case duplicateName(String)

    public var description: String {
        switch self {
        case .outsideDirectory(let file): "\"\(file)\" is not the name of a file beside it"
        case .missing(let shard): "\(shard) is not there"
        case .missingTensor(let name, let shard): "\"\(name)\" is not in \(shard)"
        case .unlistedTensor(let name, let shard):
            "\(shard) holds \"\(name)\", which the index has elsewhere or nowhere"
        case .duplicateName(let name): "two tensors are named \"\(name)\""
        }
    }
}
