import Tensors
import Transformer

/// What is done about a run whose loss or weights are no numbers, or explode.
extension FineTuning {
    var weightsAreFinite: Bool { optimizer.parameters.allSatisfy(\.value.isFinite) }

    func keepGoodState(_ report: (Event) -> Void) throws(Failure) {
        guard state.watch.isCalm else { return }
        guard weightsAreFinite else { return try rollBack(report) }
        do { try lastGood.keep(state) } catch {
            if !lacksGoodState { report(.cannotWrite(.lastGoodState, error)) }
            lacksGoodState = true
        }
    }

    func rollBack(_ report: (Event) -> Void) throws(Failure) {
        let failure = Failure.diverged(epoch: state.epoch, step: state.step + 1)
        guard state.rollbacks < Self.maxRollbacks else { throw failure }
        let good: TrainingState?
        do { good = try lastGood.restore() } catch { throw .weights(error) }
        guard let good else { throw failure }
        let divergedAt = state.step + 1
        state.rollBack(to: good)
        trainingStep.dropout?.state = state.dropout
        report(
            .rolledBack(Rollback(divergedAt: divergedAt, step: state.step, learningRateScale: state.learningRateScale)))
    }
}
