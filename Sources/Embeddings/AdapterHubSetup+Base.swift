public import Checkpoints
import SystemPackage
public import Transformer

extension AdapterHubSetup {
    /// The adapters of a directory with the model that they are for.
    ///
    /// - Parameter store: where the base is looked for where its name is no path.
    /// - Returns: `nil` where the directory holds no adapter of AdapterHub's.
    public static func open(
        _ directory: ModelDirectory, store: ModelStore = ModelStore()
    ) throws(ModelError) -> (adapters: AdapterHubSetup, base: ModelDirectory)? {
        let setup = try loading { () throws(CheckpointError) in
            try isPresent(in: directory) ? try AdapterHubSetup(directory) : nil
        }
        guard let setup else { return nil }
        guard let name = setup.baseModel else { throw .noBaseModel(directory.path) }
        do { return (setup, try store.resolve(name)) } catch {
            throw .baseOfAdapter(directory.path, name: name, error)
        }
    }

    /// Puts the adapters on the encoder of their base.
    ///
    /// - Throws: `otherBase` where one of them was trained on another model.
    package func attach(to encoder: TransformerEncoder, of base: ModelDirectory) throws(ModelError) {
        try base.checkIsBase(of: directories)
        try attach(to: encoder, ofChecked: base)
    }

    /// The same for a base of which `checkIsBase` was asked.
    package func attach(to encoder: TransformerEncoder, ofChecked base: ModelDirectory) throws(ModelError) {
        do { try encoder.attach(self) } catch { throw .adapter(directory.path, base: base.path, error) }
    }

    /// Where something may be written of the base.
    package var directories: [ModelDirectory] { [directory] + adapters.map { ModelDirectory($0.path) } }
}
