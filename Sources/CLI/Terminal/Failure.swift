import ArgumentParser
import Checkpoints
import Embeddings
import Tasks
import Tensors
import Tokenizers

/// Runs a command's work: whatever it throws becomes one line on standard error and exit status 1, or 64 for
/// wrong usage that only the work finds.
func reportingFailures(_ body: () throws -> Void) throws {
    do { try body() } catch { throw reported(error) }
}

/// The same for work that waits.
func reportingFailures(_ body: () async throws -> Void) async throws {
    do { try await body() } catch { throw reported(error) }
}

private func reported(_ error: any Error) -> any Error {
    if error is ExitCode || error is CleanExit { return error }
    if let error = error as? ValidationError {
        // The library would add how `graft` itself is used, since it no longer knows the command.
        StandardError.write("graft: error: \(error.message.printable)\n")
        return ExitCode.validationFailure
    }
    if isInterruption(error) {
        StandardError.note("\(error)")
        return ExitCode(Signals.interruptedStatus)
    }
    StandardError.write("graft: error: \(message(error).printable)\n")
    return ExitCode.failure
}

private func isInterruption(_ error: any Error) -> Bool {
    switch error {
    case FineTuning.Failure.interrupted, CheckpointError.cancelled, ModelError.checkpoint(.cancelled),
        SearchError.interrupted, TextIndexing.Failure.index(.interrupted):
        true
    default: false
    }
}

private func message(_ error: any Error) -> String {
    guard let error = error as? MatrixEngine.LoadingError else { return "\(error)" }
    return switch error {
    case .unknownName(let name):
        "GRAFT_ENGINE is \"\(name)\"; expected \(MatrixEngine.allCases.map(\.rawValue).joined(separator: " or "))."
    case .unavailable(let engine, let reason):
        "GRAFT_ENGINE asks for \(engine.rawValue), which cannot be loaded: \(reason). Install it, or unset GRAFT_ENGINE."
    case .noEngine(let reasons):
        "no library for matrix products can be loaded (\(reasons.joined(separator: "; "))). "
            + "Install libdnnl or libopenblas0-pthread."
    }
}
