import Checkpoints
import SystemPackage
import Tensors
import Transformer

/// What a run that diverges goes back to: weights, the optimizer's tensors and the state, in a file without a name.
final class LastGoodState {
    /// The least number of steps between two: writing one takes as long as five to ten steps.
    static let interval = 200

    private let optimizer: Optimizer
    private let directory: FilePath
    private var kept: Kept?

    private struct Kept {
        let file: ScratchFile
        let state: TrainingState
        let optimizerSteps: Int
        /// Those of the optimizer, in the order of the file, behind the weights.
        let tensors: [(name: String, shape: Shape)]
    }

    init(_ optimizer: Optimizer, in directory: FilePath) {
        self.optimizer = optimizer
        self.directory = directory
    }

    /// Keeps what is now, in place of what was kept before; that stays where this cannot be written.
    func keep(_ state: TrainingState) throws(CheckpointError) {
        let optimizerState = optimizer.state
        let tensors = optimizerState.tensors.sorted { $0.key < $1.key }
        let file = try ScratchFile(in: directory)
        for parameter in optimizer.parameters { try file.write(parameter.value.values) }
        for (_, tensor) in tensors { try file.write(tensor.values) }
        kept = Kept(
            file: file, state: state, optimizerSteps: optimizerState.steps,
            tensors: tensors.map { ($0.key, $0.value.shape) })
    }

    /// - Returns: the state to which weights and optimizer were brought back; `nil` where nothing was kept.
    func restore() throws(CheckpointError) -> TrainingState? {
        guard let kept else { return nil }
        try kept.file.rewind()
        for parameter in optimizer.parameters {
            let value = Tensor(parameter.shape, try kept.file.read(count: parameter.shape.count))
            parameter.update { $0 = value }
        }
        var state = OptimizerState(steps: kept.optimizerSteps)
        for (name, shape) in kept.tensors {
            state.tensors[name] = Tensor(shape, try kept.file.read(count: shape.count))
        }
        do { try optimizer.restore(state) } catch { preconditionFailure("\(error)") }
        return kept.state
    }
}
