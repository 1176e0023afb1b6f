package import Checkpoints
package import Tensors
package import Transformer

/// A model directory's configuration and weights, from which an encoder and a head take their parts.
package struct OpenedCheckpoint {
    /// Of the model; of an adapter, its base's.
    package let directory: ModelDirectory
    package let adapter: OpenedAdapter?
    package let configuration: JSONFile
    package var architecture: EncoderArchitecture
    package let weights: any TensorArchive
    package let source: ParameterSource

    /// - Parameters:
    ///   - checkedBase: of an adapter, in place of the base that it names.
    ///   - random: initializes what the checkpoint lacks, where that is allowed.
    package init(
        _ directory: ModelDirectory, on checkedBase: ModelDirectory? = nil, random: RandomSource = RandomSource(seed: 0)
    ) throws(ModelError) {
        adapter = try OpenedAdapter(directory, on: checkedBase)
        let directory = adapter?.base ?? directory
        self.directory = directory
        (configuration, architecture, weights) = try loading { () throws(CheckpointError) in
            let configuration = try directory.openConfiguration()
            return (configuration, try EncoderArchitecture(configuration), try directory.openWeights())
        }
        source = ParameterSource(weights, spellings: architecture.spellings, random: random)
    }

    /// - Throws: `ModelError.isAdapter`
    package func requireModel(for verb: String) throws(ModelError) {
        if let adapter {
            throw .isAdapter(adapter.directory.path, kind: adapter.configuration.adapter.kind, verb: verb)
        }
    }

    /// - Parameter obeysLowercasing: whether sentence-transformers' `do_lower_case` counts.
    package func encoder(obeysLowercasing: Bool = false) throws(ModelError) -> PretrainedEncoder {
        try PretrainedEncoder(
            directory, configuration, architecture, from: source, obeysLowercasing: obeysLowercasing)
    }
}
