public import Checkpoints

extension CheckpointConversion {
    /// Gives tensors the names that go with the model's configuration, where publishers have several; those of an architecture
    /// that is not known stay as they are.
    ///
    /// - Parameter configuration: a `config.json`.
    public mutating func useNames(of configuration: JSONFile) {
        guard let spellings = try? EncoderArchitecture(configuration).spellings else { return }
        rename = { spellings.ours($0) }
    }
}
