public import Checkpoints
import FoundationEssentials
import JSON
public import SystemPackage

/// What a run writes while it goes on: `metrics.jsonl` and TensorBoard's event files, in a directory of their own until
/// the model is there. Without `move` nothing remains of it.
public final class RunLogs {
    /// Where event files are, in the directory of a model.
    public static let tensorBoardName = "runs"

    /// Where they are until `move`.
    public let directory: FilePath
    private var isMoved = false
    private let metrics: MetricsLog
    private let tensorBoard: TensorBoardLog
    private let stepsBetweenLines: Int
    private var losses: [Double] = []

    /// - Parameters:
    ///   - directory: holds `metrics.jsonl`; it is made where it is missing.
    ///   - tensorBoard: the directory of the event files; `nil` is `runs` in the other.
    ///   - resumingAt: the step of the checkpoint that the run goes on from; `nil` begins anew.
    ///   - stepsBetweenLines: a line holds the mean loss of so many steps.
    public init(
        in directory: FilePath, tensorBoard: FilePath? = nil, resumingAt step: Int? = nil, stepsBetweenLines: Int = 1
    ) throws(CheckpointError) {
        precondition(stepsBetweenLines >= 1, "\(stepsBetweenLines) steps between lines")
        self.stepsBetweenLines = stepsBetweenLines
        self.directory = directory
        let events = tensorBoard ?? directory.appending(Self.tensorBoardName)
        if step == nil, tensorBoard == nil { try? FileManager.default.removeItem(atPath: events.string) }
        self.tensorBoard = try TensorBoardLog(directory: events, resumingAt: step)
        do {
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        } catch { throw .unwritable(directory, .ioError) }
        metrics = try MetricsLog(directory.appending(MetricsLog.fileName), resumingAt: step)
    }

    deinit {
        if !isMoved { try? FileManager.default.removeItem(atPath: directory.string) }
    }

    /// Brings the logs into the directory of the model, which has been written.
    public func move(to output: FilePath) throws(CheckpointError) {
        do {
            for name in try FileManager.default.contentsOfDirectory(atPath: directory.string) {
                try FileManager.default.moveItem(
                    atPath: directory.appending(name).string, toPath: output.appending(name).string)
            }
            try FileManager.default.removeItem(atPath: directory.string)
        } catch { throw .unwritable(output, .ioError) }
        isMoved = true
    }

    public var history: TrainingHistory { metrics.history }
    /// What stopped a log from being written.
    public var failure: CheckpointError? { metrics.failure ?? tensorBoard.failure }

    public func record(_ event: FineTuning.Event) {
        switch event {
        case .extractingFeatures: break
        case .step(let step):
            losses.append(step.loss)
            guard losses.count >= stepsBetweenLines || step.step == step.steps else { return }
            append(
                .step(
                    TrainingHistory.Step(
                        step: step.step, epoch: step.epoch, loss: losses.reduce(0, +) / Double(losses.count),
                        learningRate: step.learningRate, gradientNorm: step.gradientNorm,
                        samplesPerSecond: step.samplesPerSecond)))
            losses.removeAll()
        case .evaluation(let evaluation):
            append(
                .evaluation(
                    TrainingHistory.Evaluation(
                        step: evaluation.step, epoch: evaluation.epoch, trainingLoss: evaluation.trainingLoss,
                        dev: evaluation.dev?.summary.object ?? [:], isBest: evaluation.isBest)))
        case .stoppedEarly(let last):
            append(.event("stoppedEarly", step: last.step, detail: "after epoch \(last.epoch)"))
        }
    }

    private func append(_ entry: TrainingHistory.Entry) {
        metrics.append(entry)
        tensorBoard.append(entry)
    }
}
