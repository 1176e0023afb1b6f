import ArgumentParser
import Checkpoints
import SystemPackage
import Tasks

/// What a run writes down beside the model.
struct ReportOptions: ParsableArguments {
    @Option(
        help: "Where TensorBoard's event files go (default: runs, in the output).", completion: .directory)
    var tensorboard: String?

    @Option(help: "Steps that a line of metrics.jsonl stands for, with the mean of their losses.")
    var loggingSteps = 1

    func validate() throws {
        if loggingSteps < 1 { throw ValidationError("--logging-steps is \(loggingSteps); expected at least 1.") }
        if let tensorboard, tensorboard.isEmpty {
            throw ValidationError("--tensorboard is empty; expected a directory to write.")
        }
    }

    /// The options that are not as they are by default.
    var given: [String] { CLI.given(["--tensorboard": tensorboard != nil, "--logging-steps": loggingSteps != 1]) }

    /// Refuses event files inside the output, which must not be there before the model is.
    func check(_ output: String) throws {
        guard let tensorboard else { return }
        if absolutePath(tensorboard).starts(with: absolutePath(output)) {
            throw ValidationError(
                "--tensorboard is inside --output, which must not exist; leave it out to have the files in runs there.")
        }
    }

    /// The logs of a run that is to write `output`: beside it, until it is there.
    ///
    /// - Parameter resumes: whether what is there is of the same run.
    func logs(for output: FilePath, resumes: Bool) throws(CheckpointError) -> RunLogs {
        let output = output.lexicallyNormalized()
        let name = output.lastComponent?.string ?? "output"
        let directory = output.removingLastComponent().appending("\(name).run")
        if !resumes { SearchLog.remove(from: directory) }
        return try RunLogs(
            in: directory, tensorBoard: tensorboard.map { FilePath($0) },
            stepsBetweenLines: loggingSteps)
    }

    /// What the report says of the run beside the machine.
    func facts(_ outcome: FineTuning.Outcome, seconds: Double) -> [RunReport.Fact] {
        [
            RunReport.Fact("graft", Version.text),
            RunReport.Fact("time", "\(clockTime(seconds)), of it training \(clockTime(outcome.trainingSeconds))"),
            RunReport.Fact("speed", "\(fixed(outcome.samplesPerSecond, 1)) samples/s"),
            RunReport.Fact("peak memory", "\(peakMemoryMB) MB"),
        ]
    }
}
