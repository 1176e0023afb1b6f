import Tensors
import Transformer

/// What is done about a run whose loss or weights are no numbers, or explode.
extension TrainingRun {
    /// How often it is brought back.
    private static let maxRollbacks = 3

    var weightsAreFinite: Bool { optimizer.parameters.allSatisfy(\.value.isFinite) }

    func keepGoodState(_ report: (FineTuning.Event) -> Void) throws(FineTuning.Failure) {
        guard state.watch.isCalm else { return }
        guard weightsAreFinite else { return try rollBack(report) }
        do { try lastGood.keep(state) } catch {
            if !lacksGoodState { report(.cannotWrite(.lastGoodState, error)) }
            lacksGoodState = true
        }
    }

    /// Keeps a state at the first calm step from so many behind the last one on. A run that goes on does so at the same
    /// steps as one that is left alone.
    func keepGoodStateIfDue(_ report: (FineTuning.Event) -> Void) throws(FineTuning.Failure) {
        guard state.step - state.goodStep >= LastGoodState.interval, state.watch.isCalm else { return }
        state.goodStep = state.step
        try keepGoodState(report)
    }

    func rollBack(_ report: (FineTuning.Event) -> Void) throws(FineTuning.Failure) {
        let failure = FineTuning.Failure.diverged(epoch: state.epoch, step: state.step + 1)
        guard state.rollbacks < Self.maxRollbacks else { throw failure }
        let good: TrainingState?
        do { good = try lastGood.restore() } catch { throw .weights(error) }
        guard let good else { throw failure }
        let divergedAt = state.step + 1
        state.rollBack(to: good)
        work.dropout?.state = state.dropout
        report(
            .rolledBack(
                FineTuning.Rollback(
                    divergedAt: divergedAt, step: state.step, learningRateScale: state.learningRateScale)))
    }
}
