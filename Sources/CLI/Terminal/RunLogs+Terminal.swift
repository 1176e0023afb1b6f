import Glibc
import SystemPackage
import Tasks

extension RunLogs {
    /// Trains, shows how far it is, and keeps it in the logs; Ctrl-C ends the training after a step.
    func following(
        _ training: (_ isInterrupted: () -> Bool, _ report: (FineTuning.Event) -> Void) throws(FineTuning.Failure) ->
            FineTuning.Outcome
    ) throws -> FineTuning.Outcome {
        var progress = FineTuningProgress()
        defer { progress.end() }
        _ = try Signals.catchInterruption(SIGINT, SIGTERM)
        return try keptWithCheckpoint { () throws(FineTuning.Failure) in
            try training({ Signals.isInterrupted }) { event in
                record(event)
                progress.show(event)
            }
        }
    }

    /// Writes the model that a run has made, and brings the logs into its directory.
    func deliver(to target: FilePath, _ write: () throws(FineTuning.Failure) -> Void) throws {
        try keptWithCheckpoint(write)
        try move(to: target)
        if let failure { StandardError.note("the logs are not complete: \(failure)") }
    }
}
