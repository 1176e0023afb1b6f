import Checkpoints
import FoundationEssentials
import SystemPackage
import Tensors
import Transformer

/// One checkpoint: what a run is of, where it is, its weights, the optimizer's tensors and the best weights so far.
struct RunCheckpoint: Codable, Equatable, Sendable {
    var version = Self.currentVersion
    let identity: RunIdentity
    let state: TrainingState
    let optimizerSteps: Int

    /// That of what is written, and of the order in which a run goes through its examples.
    private static let currentVersion = 2
    private static let stateName = "state.json"
    private static let weightsName = "weights.safetensors"
    private static let optimizerName = "optimizer.safetensors"
    static let bestName = "best.safetensors"
    /// Of the files that `write` makes.
    static let names = [stateName, weightsName, optimizerName]

    /// - Returns: whether the checkpoint has best weights.
    static func restore(_ best: BestWeights, from directory: FilePath) throws(CheckpointError) -> Bool {
        let path = directory.appending(bestName)
        guard FileManager.default.fileExists(atPath: path.string) else { return false }
        try best.keep(SafeTensors(path))
        return true
    }

    init(identity: RunIdentity, state: TrainingState, optimizerSteps: Int) {
        self.identity = identity
        self.state = state
        self.optimizerSteps = optimizerSteps
    }

    /// Reads all but the tensors.
    init(_ directory: FilePath) throws(RunCheckpointError) {
        let file: MappedFile
        do { file = try MappedFile(directory.appending(Self.stateName)) } catch { throw .file(error) }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard let checkpoint = try? decoder.decode(Self.self, from: Data(file.bytes(0..<file.count))),
            checkpoint.version == Self.currentVersion
        else { throw .damaged(directory) }
        self = checkpoint
    }

    /// Writes everything but the best weights.
    func write(to directory: FilePath, _ optimizer: Optimizer) throws(CheckpointError) {
        let tensors = optimizer.state.tensors.sorted { $0.key < $1.key }
        try SafeTensors.write(
            optimizer.parameters.map { ($0.name, $0.value) }, to: directory.appending(Self.weightsName))
        try SafeTensors.write(
            tensors.map { ($0.key, $0.value) }, to: directory.appending(Self.optimizerName))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard let text = try? encoder.encode(self) else { preconditionFailure("a state that cannot be encoded") }
        try AtomicFile.write(Array(text), to: directory.appending(Self.stateName))
    }

    /// Brings the weights and the optimizer to where they were.
    func restore(_ optimizer: Optimizer, from directory: FilePath) throws(RunCheckpointError) {
        do throws(CheckpointError) {
            let weights = try SafeTensors(directory.appending(Self.weightsName))
            for parameter in optimizer.parameters {
                let value = try weights.values(parameter.name, parameter.shape)
                parameter.update { $0 = value }
            }
            let tensors = try SafeTensors(directory.appending(Self.optimizerName))
            var state = OptimizerState(steps: optimizerSteps)
            for entry in tensors.entries { state.tensors[entry.name] = try tensors.values(entry.name, entry.shape) }
            do { try optimizer.restore(state) } catch {
                throw .invalidValue(
                    tensors.path, key: error.name, found: error.found.map { "\($0)" }, expected: "\(error.expected)")
            }
        } catch { throw .file(error) }
    }
}

extension SafeTensors {
    /// A tensor that must be there, in a shape.
    func values(_ name: String, _ shape: Shape) throws(CheckpointError) -> Tensor {
        guard let entry = self[name] else { throw .missingTensor(path, name: name) }
        guard entry.shape == shape else {
            throw .shapeMismatch(path, name: name, found: entry.shape, expected: shape)
        }
        return try tensor(entry)
    }
}
