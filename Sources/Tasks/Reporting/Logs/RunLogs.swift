public import Checkpoints
import FoundationEssentials
import JSON
public import SystemPackage

/// What a run writes while it goes on: `metrics.jsonl` and TensorBoard's event files, in a directory of their own until
/// the model is there. Without `move` nothing remains of it, but where there is a checkpoint to go on from, or the run
/// diverged, which they show. What else somebody has put there stays where it is.
///
/// A log that cannot be written does not stop the training; `failure` says why.
public final class RunLogs {
    /// Where event files are, in the directory of a model.
    public static let tensorBoardName = "runs"
    /// What a search for settings writes there.
    public static let searchName = "search.jsonl"
    private static let names = [MetricsLog.fileName, tensorBoardName, searchName]

    /// Where they are until `move`.
    public let directory: FilePath
    private let tensorBoardDirectory: FilePath
    private let stepsBetweenLines: Int
    private var metrics: MetricsLog?
    private var tensorBoard: TensorBoardLog?
    private var openingFailure: CheckpointError?
    private var losses: [Double] = []
    /// Whether the directory is left where it is: it holds logs of a run that can go on.
    private var remains: Bool

    /// - Parameters:
    ///   - directory: holds `metrics.jsonl`; it is made where it is missing.
    ///   - tensorBoard: the directory of the event files; `nil` is `runs` in the other.
    ///   - stepsBetweenLines: a line holds the mean loss of so many steps.
    public init(
        in directory: FilePath, tensorBoard: FilePath? = nil, stepsBetweenLines: Int = 1
    ) throws(CheckpointError) {
        precondition(stepsBetweenLines >= 1, "\(stepsBetweenLines) steps between lines")
        self.directory = directory
        self.stepsBetweenLines = stepsBetweenLines
        tensorBoardDirectory = tensorBoard ?? directory.appending(Self.tensorBoardName)
        // The logs of another run, until this one begins to write.
        remains = FileManager.default.fileExists(atPath: directory.string)
        do throws(Errno) { try makeDirectory(directory) } catch { throw .unwritable(directory, error) }
    }

    deinit {
        if remains { return }
        removeEvents()
        for name in Self.names where name != Self.tensorBoardName {
            try? FileManager.default.removeItem(atPath: directory.appending(name).string)
        }
        removeEmptyDirectory(directory)
    }

    /// Removes TensorBoard's files, and their directory where nothing else is in it.
    private func removeEvents() {
        let runs = directory.appending(Self.tensorBoardName)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: runs.string)) ?? []
        where TensorBoardLog.isOwn(name) {
            try? FileManager.default.removeItem(atPath: runs.appending(name).string)
        }
        removeEmptyDirectory(runs)
    }

    /// From now on the directory stays, until the training begins: something else is in it that is of use without a model.
    public func keep() { remains = true }

    /// Runs what may end with a checkpoint, beside which the logs stay for the run that goes on from it.
    public func keptWithCheckpoint<Result>(
        _ body: () throws(FineTuning.Failure) -> Result
    ) throws(FineTuning.Failure) -> Result {
        do throws(FineTuning.Failure) { return try body() } catch {
            switch error {
            case .interrupted(_, .some), .output(_, .some), .diverged: remains = true
            default: break
            }
            throw error
        }
    }

    /// Brings the logs into the directory of the model, which has been written.
    public func move(to output: FilePath) throws(CheckpointError) {
        remains = false
        do {
            for name in Self.names where FileManager.default.fileExists(atPath: directory.appending(name).string) {
                try FileManager.default.moveItem(
                    atPath: directory.appending(name).string, toPath: output.appending(name).string)
            }
        } catch { throw .unwritable(output, errorNumber(error)) }
        removeEmptyDirectory(directory)
    }

    public var history: TrainingHistory { metrics?.history ?? TrainingHistory() }
    /// What stopped a log from being written.
    public var failure: CheckpointError? { openingFailure ?? metrics?.failure ?? tensorBoard?.failure }

    public func record(_ event: FineTuning.Event) {
        switch event {
        case .resumed(_, _, let step):
            open(resumingAt: step)
            append(.event("resumed", step: step, detail: nil))
        case .extractingFeatures: break
        case .step(let step): record(step)
        case .evaluation(let evaluation):
            append(
                .evaluation(
                    TrainingHistory.Evaluation(
                        step: evaluation.step, epoch: evaluation.epoch, trainingLoss: evaluation.trainingLoss,
                        dev: evaluation.dev?.summary.object ?? [:], isBest: evaluation.isBest)))
        case .stoppedEarly(let last):
            append(.event("stoppedEarly", step: last.step, detail: "after epoch \(last.epoch)"))
        case .checkpoint(_, let step): append(.event("checkpoint", step: step, detail: nil))
        case .checkpointFailed(let error): append(.event("checkpointFailed", step: lastStep, detail: "\(error)"))
        case .cannotWrite(_, let error): append(.event("cannotWrite", step: lastStep, detail: "\(error)"))
        case .warmupExceedsRun(let warmup, let steps):
            append(.event("warmupExceedsRun", step: lastStep, detail: "\(warmup.counted("step")) of \(steps)"))
        case .rolledBack(let rollback):
            losses.removeAll()
            append(
                .event(
                    TrainingHistory.rollback, step: rollback.step,
                    detail:
                        "diverged in step \(rollback.divergedAt), goes on with \(rollback.learningRateScale) of the "
                        + "learning rate"))
        }
    }

    private var lastStep: Int { history.entries.last?.step ?? 0 }

    private func record(_ step: FineTuning.Step) {
        losses.append(step.loss)
        guard losses.count >= stepsBetweenLines || step.step == step.steps else { return }
        append(
            .step(
                TrainingHistory.Step(
                    step: step.step, epoch: step.epoch, loss: losses.reduce(0, +) / Double(losses.count),
                    learningRate: step.learningRate, gradientNorm: step.gradientNorm,
                    samplesPerSecond: step.samplesPerSecond)))
        losses.removeAll()
    }

    private func append(_ entry: TrainingHistory.Entry) {
        if metrics == nil, openingFailure == nil { open(resumingAt: nil) }
        metrics?.append(entry)
        tensorBoard?.append(entry)
    }

    /// - Parameter step: of the checkpoint that the run goes on from; `nil` begins anew.
    private func open(resumingAt step: Int?) {
        remains = false
        // What an earlier run left here is not of this one.
        if step == nil { removeEvents() }
        do throws(CheckpointError) {
            metrics = try MetricsLog(directory.appending(MetricsLog.fileName), resumingAt: step)
            tensorBoard = try TensorBoardLog(directory: tensorBoardDirectory, resumingAt: step)
        } catch { openingFailure = error }
    }
}
