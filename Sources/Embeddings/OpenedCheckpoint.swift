package import Checkpoints
package import Tensors
package import Transformer

/// A model directory's configuration and weights, from which an encoder and a head take their parts.
package struct OpenedCheckpoint {
    package let directory: ModelDirectory
    package let configuration: JSONFile
    package var architecture: EncoderArchitecture
    package let weights: any TensorArchive
    package let source: ParameterSource

    /// - Parameter random: initializes what the checkpoint lacks, where that is allowed.
    package init(_ directory: ModelDirectory, random: RandomSource = RandomSource(seed: 0)) throws(ModelError) {
        self.directory = directory
        (configuration, architecture, weights) = try loading { () throws(CheckpointError) in
            let configuration = try directory.openConfiguration()
            return (configuration, try EncoderArchitecture(configuration), try directory.openWeights())
        }
        source = ParameterSource(weights, spellings: architecture.spellings, random: random)
    }

    /// - Parameter obeysLowercasing: whether sentence-transformers' `do_lower_case` counts.
    package func encoder(obeysLowercasing: Bool = false) throws(ModelError) -> PretrainedEncoder {
        try PretrainedEncoder(
            directory, configuration, architecture, from: source, obeysLowercasing: obeysLowercasing)
    }
}
