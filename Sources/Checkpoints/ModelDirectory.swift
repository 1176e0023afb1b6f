import FoundationEssentials
import JSON
public import SystemPackage

/// The files of a model directory as Hugging Face lays them out, or as Google released BERT.
public struct ModelDirectory: Sendable {
    /// The files that hold weights, in the order in which they are looked for.
    public static let weightNames = [
        "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    ]

    /// Weights that this version does not read.
    private static let otherFormats = [
        ("tf_model.h5", "a Keras checkpoint"), ("flax_model.msgpack", "a Flax checkpoint"),
        ("model.pt", "a PyTorch program"), ("model.onnx", "an ONNX graph"), ("rust_model.ot", "a tch checkpoint"),
    ]

    public let path: FilePath

    public init(_ path: FilePath) { self.path = path }

    // MARK: Configuration

    /// `config.json`, or what Google's releases have in its place.
    public var configuration: FilePath {
        path.appending(!exists("config.json") && exists("bert_config.json") ? "bert_config.json" : "config.json")
    }

    /// The architecture. Google's `bert_config.json` does not say that it is BERT's; here it does. LTP's `config.json` is of
    /// a model for several tasks, with the encoder's own configuration inside; here it is that.
    public func openConfiguration() throws(CheckpointError) -> JSONFile {
        let path = configuration
        try checkPlace(path)
        var file = try JSONFile(path, purpose: "the model's architecture")
        if path.lastComponent == "bert_config.json", file.object["model_type"] == nil {
            file.object["model_type"] = .string("bert")
        }
        if let encoder = file.object["model"]?["backbone"]?["config"]?.object { file.object = encoder }
        return file
    }

    // MARK: Weights

    /// The file to open for the weights.
    public func weights() throws(CheckpointError) -> FilePath {
        if let name = Self.weightNames.first(where: exists) { return path.appending(name) }
        let names = tensorFlowIndices
        if names.count > 1 { throw .severalWeights(path, names) }
        if let name = names.first { return path.appending(name) }
        for (name, format) in Self.otherFormats where exists(name) {
            throw .unsupportedFormat(path.appending(name), format: format)
        }
        throw .noWeights(path)
    }

    /// Opens the weights; a format that this version does not read is named.
    public func openWeights() throws(CheckpointError) -> any TensorArchive { try open(weights()) }

    /// Opens a file of weights in this directory, whatever its format.
    ///
    /// - Throws: `leadsOutside` for a link to a file elsewhere.
    public func open(_ file: FilePath) throws(CheckpointError) -> any TensorArchive {
        let name = file.lastComponent?.string ?? ""
        if name.hasSuffix(".index.json") {
            return try ShardedCheckpoint(file) { shard throws(CheckpointError) in try openShard(shard) }
        }
        if name.hasSuffix(".index") {
            return try TensorFlowCheckpoint(file) { part throws(CheckpointError) in try map(part) }
        }
        return try openShard(file)
    }

    private func openShard(_ file: FilePath) throws(CheckpointError) -> any TensorArchive {
        let mapped = try map(file)
        return if file.extension == "safetensors" { try SafeTensors(mapped) } else { try TorchCheckpoint(mapped) }
    }

    /// `NAME.index` beside `NAME.data-...`.
    private var tensorFlowIndices: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? []
        return names.filter { name in
            name.hasSuffix(".index") && names.contains { $0.hasPrefix(name.dropLast("index".count) + "data-00000-of-") }
        }.sorted()
    }

    // MARK: Files

    /// All files, sorted by name.
    public var files: [FilePath] { ModelStore.files(below: path) }

    public func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path.appending(name).string)
    }

    /// Maps a file of this directory.
    public func map(_ file: FilePath) throws(CheckpointError) -> MappedFile {
        try checkPlace(file)
        return try MappedFile(file)
    }

    /// Copies files of this directory into another one, keeping their place below it.
    public func copy(_ files: [FilePath], to target: FilePath) throws(CheckpointError) {
        for file in files {
            var relative = file
            guard relative.removePrefix(path) else { continue }
            try checkPlace(file)
            let destination = target.pushing(relative)
            do {
                try FileManager.default.createDirectory(
                    atPath: destination.removingLastComponent().string, withIntermediateDirectories: true)
                try FileManager.default.copyItem(
                    atPath: Self.resolvingLinks(file).string, toPath: destination.string)
            } catch { throw .unwritable(destination, errorNumber(error)) }
        }
    }

    /// Checks that a file is in this directory. The hub's cache keeps links in `models--NAME/snapshots/REVISION` to
    /// files in `models--NAME/blobs`; those belong to the model.
    private func checkPlace(_ file: FilePath) throws(CheckpointError) {
        let target = Self.resolvingLinks(file)
        let directory = Self.resolvingLinks(path)
        if target.starts(with: directory) { return }
        var folder = directory
        while folder.removeLastComponent() {
            guard folder.lastComponent?.string.hasPrefix("models--") == true else { continue }
            if target.starts(with: folder.appending("blobs")) { return }
        }
        throw .leadsOutside(file, target: target)
    }

    /// The store keeps links to its files; a copy is of the file.
    private static func resolvingLinks(_ path: FilePath) -> FilePath {
        FilePath(URL(filePath: path.string).resolvingSymlinksInPath().path(percentEncoded: false))
    }
}
