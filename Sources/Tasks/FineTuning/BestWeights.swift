import Checkpoints
import SystemPackage
import Tensors
import Transformer

/// The weights of the best evaluation so far, while training goes on.
///
/// In a file and not in memory, where they would be a quarter of what training takes.
final class BestWeights {
    private let parameters: [Parameter]
    private let directory: FilePath
    private var file: ScratchFile?

    /// - Parameter directory: has room for a copy, which has no name there.
    init(_ parameters: [Parameter], in directory: FilePath) {
        self.parameters = parameters
        self.directory = directory
    }

    /// Keeps the weights as they are now, in place of those kept before.
    func keep() throws(CheckpointError) {
        if file == nil { file = try ScratchFile(in: directory) }
        guard let file else { return }
        try file.rewind()
        for parameter in parameters { try file.write(parameter.value.values) }
    }

    /// Gives the parameters the values that were kept.
    func restore() throws(CheckpointError) {
        guard let file else { preconditionFailure("no weights were kept") }
        try file.rewind()
        for parameter in parameters {
            let value = Tensor(parameter.shape, try file.read(count: parameter.shape.count))
            parameter.update { $0 = value }
        }
    }
}
