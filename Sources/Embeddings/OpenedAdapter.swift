package import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
import Tensors
package import Transformer

/// A directory with PEFT's adapter, and the model that it is for.
package struct OpenedAdapter {
    package let directory: ModelDirectory
    package let configuration: PEFTConfiguration
    package let weights: RenamedArchive
    package let base: ModelDirectory
    /// What Graft wrote beside it.
    package let record: JSONFile?

    package static let recordName = "graft.json"
    package static let baseHashKey = "base_sha256"

    /// - Parameters:
    ///   - checkedBase: takes the place of the base that the adapter names; `checkIsBase` was asked.
    ///   - store: where the base is looked for where its name is no path.
    /// - Returns: `nil` where the directory holds no adapter.
    package init?(
        _ directory: ModelDirectory, on checkedBase: ModelDirectory? = nil, store: ModelStore = ModelStore()
    ) throws(ModelError) {
        let found = try loading { () throws(CheckpointError) in try AdapterDirectory(directory) }
        guard let found else { return nil }
        self.directory = directory
        let path = directory.path.appending("adapter_config.json")
        guard found.library == .peft else {
            throw .checkpoint(.unsupportedFormat(path, format: "an adapter of \(found.library.rawValue)"))
        }
        (configuration, record) = try loading { () throws(CheckpointError) in
            let record = directory.path.appending(Self.recordName)
            return (
                try PEFTConfiguration(JSONFile(path, purpose: "an adapter's settings")),
                directory.exists(Self.recordName) ? try JSONFile(record, purpose: "Graft's own settings") : nil
            )
        }
        weights = PEFTWeights.archive(found.weights)
        if let checkedBase {
            base = checkedBase
            return
        }
        guard let name = configuration.baseModel else {
            throw .checkpoint(
                .invalidValue(
                    path, key: "base_model_name_or_path", found: nil, expected: "the name or the path of a model"))
        }
        do { base = try store.resolve(name) } catch { throw .baseOfAdapter(directory.path, name: name, error) }
        try base.checkIsBase(of: [directory])
    }

    /// Whether the adapter has a layer of logits of its own.
    package func hasHead(_ head: HeadArchitecture) -> Bool { weights[head.output + ".weight"] != nil }

    /// Attaches the adapter.
    ///
    /// - Parameter head: `nil` leaves what the adapter has for a head aside.
    @discardableResult
    package func attach(
        to encoder: TransformerEncoder, head: ClassificationHead?
    ) throws(ModelError) -> Adapter {
        let architecture = encoder.architecture
        let source = ParameterSource(
            weights, spellings: architecture.spellings.ofAdapters, random: RandomSource(seed: 0))
        do throws(AdapterError) {
            let adapter = try encoder.attach(
                configuration.adapter,
                name: encoder.freeAdapterName(like: directory.path.lastComponent?.string ?? "default"), from: source,
                head: head, saved: configuration.savedModules)
            do throws(CheckpointError) {
                try source.checkAllUsed { head == nil && architecture.isHead($0) }
            } catch { throw .checkpoint(error) }
            return adapter
        } catch { throw .adapter(directory.path, base: base.path, error) }
    }
}

extension ModelDirectory {
    /// Checks that the model is the one that adapters were trained on, where Graft wrote that down beside them. The weights
    /// are read once, and only then.
    package func checkIsBase(of adapters: [ModelDirectory]) throws(ModelError) {
        var hash: String?
        for adapter in adapters where adapter.exists(OpenedAdapter.recordName) {
            let record = try loading { () throws(CheckpointError) in
                try JSONFile(adapter.path.appending(OpenedAdapter.recordName), purpose: "Graft's own settings")
            }
            guard let expected = record.object[OpenedAdapter.baseHashKey]?.string else { continue }
            let found = if let hash { hash } else { try loading { () throws(CheckpointError) in try weightsHash() } }
            hash = found
            if found != expected { throw .otherBase(adapter.path, base: path, found: found, expected: expected) }
        }
    }

    /// The SHA-256 of the weights; of several files, of their index.
    package func weightsHash() throws(CheckpointError) -> String { try map(weights()).sha256 }

    /// What others find the model by: its name on the hub where it lies in the hub's cache, else its path.
    package var name: String {
        let parts = path.components.map(\.string)
        if let folder = parts.last(where: { $0.hasPrefix("models--") }), parts.dropLast().last == "snapshots" {
            return folder.dropFirst("models--".count).split(separator: "--", maxSplits: 1).joined(separator: "/")
        }
        return FilePath(FileManager.default.currentDirectoryPath).pushing(path).lexicallyNormalized().string
    }
}
