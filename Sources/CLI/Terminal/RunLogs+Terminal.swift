import SystemPackage
import Tasks

extension RunLogs {
    /// Trains, shows how far it is, and keeps it in the logs; Ctrl-C ends the training after a step.
    func following(
        _ training: (_ isInterrupted: () -> Bool, _ report: (FineTuning.Event) -> Void) throws(FineTuning.Failure) ->
            FineTuning.Outcome
    ) throws -> FineTuning.Outcome {
        try FineTuningProgress.following { isInterrupted, show throws(FineTuning.Failure) in
            try keptWithCheckpoint { () throws(FineTuning.Failure) in
                try training(isInterrupted) { event in
                    record(event)
                    show(event)
                }
            }
        }
    }

    /// Writes the model that a run has made, and brings the logs into its directory.
    func deliver(to target: FilePath, _ write: () throws(FineTuning.Failure) -> Void) throws {
        try keptWithCheckpoint(write)
        try settle(in: target)
    }

    /// Brings the logs into the directory of the model, which has been written, and says where they are not complete.
    func settle(in target: FilePath) throws {
        try move(to: target)
        if let failure { StandardError.note("the logs are not complete: \(failure)") }
    }
}
