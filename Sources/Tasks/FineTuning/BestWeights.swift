import Checkpoints
import SystemPackage
import Tensors
import Transformer

/// The weights of the best evaluation so far, while training goes on.
///
/// In a file and not in memory, where they would be a quarter of what training takes; in memory where the file cannot
/// be written.
final class BestWeights {
    private let parameters: [Parameter]
    private let directory: FilePath
    private var kept: Kept?

    private enum Kept {
        case file(ScratchFile)
        case memory([Tensor])
    }

    /// - Parameter directory: has room for a copy, which has no name there.
    init(_ parameters: [Parameter], in directory: FilePath) {
        self.parameters = parameters
        self.directory = directory
    }

    var areKept: Bool { kept != nil }

    /// Keeps the weights as they are now, in place of those kept before.
    ///
    /// - Returns: why they had to stay in memory.
    func keep() -> CheckpointError? {
        do throws(CheckpointError) {
            let file = try ScratchFile(in: directory)
            for parameter in parameters { try file.write(parameter.value.values) }
            kept = .file(file)
            return nil
        } catch {
            kept = .memory(parameters.map(\.value))
            return error
        }
    }

    /// Takes the place of what was kept with weights of a checkpoint.
    func keep(_ archive: SafeTensors) throws(CheckpointError) {
        let file = try ScratchFile(in: directory)
        for parameter in parameters {
            try file.write(archive.values(parameter.name, parameter.shape).values)
        }
        kept = .file(file)
    }

    /// Gives the parameters the values that were kept.
    func restore() throws(CheckpointError) {
        try forEach { index, value throws(CheckpointError) in parameters[index].update { $0 = value } }
    }

    func write(to path: FilePath) throws(CheckpointError) {
        let items = parameters.map { SafeTensors.Item(name: $0.name, dataType: .float32, shape: $0.shape) }
        guard let kept else { preconditionFailure("no weights were kept") }
        if case .file(let file) = kept { try file.rewind() }
        try SafeTensors.write(items, to: path) { index, output throws(CheckpointError) in
            switch kept {
            case .file(let file): try output.write(file.read(count: items[index].shape.count))
            case .memory(let tensors): try output.write(tensors[index].values)
            }
        }
    }

    private func forEach(_ body: (Int, Tensor) throws(CheckpointError) -> Void) throws(CheckpointError) {
        switch kept {
        case nil: preconditionFailure("no weights were kept")
        case .memory(let tensors): for (index, tensor) in tensors.enumerated() { try body(index, tensor) }
        case .file(let file):
            try file.rewind()
            for (index, parameter) in parameters.enumerated() {
                try body(index, Tensor(parameter.shape, file.read(count: parameter.shape.count)))
            }
        }
    }
}
