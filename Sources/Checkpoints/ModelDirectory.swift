import FoundationEssentials
public import SystemPackage

/// The files of a model directory as Hugging Face lays them out.
public struct ModelDirectory: Sendable {
    public let path: FilePath

    public init(_ path: FilePath) { self.path = path }

    public var configuration: FilePath { path.appending("config.json") }
    public var weights: FilePath { path.appending("model.safetensors") }

    /// Opens the weights; a format that this version does not read is named.
    public func openWeights() throws(CheckpointError) -> SafeTensors {
        if !exists("model.safetensors") {
            for (name, format) in [
                ("model.safetensors.index.json", "a sharded safetensors checkpoint"),
                ("pytorch_model.bin", "a PyTorch checkpoint"),
                ("tf_model.h5", "a TensorFlow checkpoint"),
            ] where exists(name) {
                throw .unsupportedFormat(path.appending(name), format: format)
            }
            throw .missingFile(weights, purpose: "the model's weights")
        }
        return try SafeTensors(weights)
    }

    /// All files, sorted by name.
    public var files: [FilePath] { ModelStore.files(below: path) }

    public func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: path.appending(name).string)
    }

    /// Copies files of this directory into another one, keeping their place below it.
    public func copy(_ files: [FilePath], to target: FilePath) throws(CheckpointError) {
        for file in files {
            var relative = file
            guard relative.removePrefix(path) else { continue }
            let destination = target.pushing(relative)
            do {
                try FileManager.default.createDirectory(
                    atPath: destination.removingLastComponent().string, withIntermediateDirectories: true)
                try FileManager.default.copyItem(
                    atPath: Self.resolvingLinks(file).string, toPath: destination.string)
            } catch { throw .unwritable(destination, errorNumber(error)) }
        }
    }

    /// The store keeps links to its files; a copy is of the file.
    private static func resolvingLinks(_ path: FilePath) -> FilePath {
        FilePath(URL(filePath: path.string).resolvingSymlinksInPath().path(percentEncoded: false))
    }
}
