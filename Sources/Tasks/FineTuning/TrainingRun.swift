import Checkpoints
import SystemPackage
import Tensors
import Transformer

/// The loop of a training: epochs of steps, evaluations of which the best one's weights are kept, the way back of a run
/// that diverges, and checkpoints.
final class TrainingRun {
    let optimizer: Optimizer
    let work: any TrainingWork
    let bestWeights: BestWeights
    let lastGood: LastGoodState
    var state: TrainingState
    /// Whether it was said that the last good state cannot be kept.
    var lacksGoodState = false
    /// Where checkpoints go.
    var saving: RunSaving?

    /// - Parameters:
    ///   - seed: of the examples' order and of dropout.
    ///   - directory: has room for two copies of what learns.
    init(_ work: any TrainingWork, _ optimizer: Optimizer, _ state: TrainingState, keepingBestIn directory: FilePath) {
        self.work = work
        self.optimizer = optimizer
        self.state = state
        bestWeights = BestWeights(optimizer.parameters, in: directory)
        lastGood = LastGoodState(optimizer, in: directory)
    }

    /// Trains from where the state is to the end. The parameters then have the weights of the best evaluation, or the last
    /// ones: without evaluations on examples, and where the plan says so.
    func train(
        _ plan: TrainingPlan, isInterrupted: () -> Bool, _ report: (FineTuning.Event) -> Void
    ) throws(FineTuning.Failure) {
        try keepGoodState(report)
        while state.epoch <= plan.epochs, !isStalled(plan) {
            try trainEpoch(plan, isInterrupted, report)
        }
        if isStalled(plan), state.step < plan.schedule.steps, let last = state.evaluations.last {
            report(.stoppedEarly(last))
        }
        try finish(keeping: plan.keeps)
    }

    /// Takes the weights that are the result.
    func finish(keeping keeps: FineTuning.KeptWeights) throws(FineTuning.Failure) {
        if keeps == .best, state.evaluationsSinceBest > 0 {
            do { try bestWeights.restore() } catch { throw .weights(error) }
        } else {
            optimizer.exchangeAverages()
        }
        state.isFinished = true
    }

    func outcome(keeping keeps: FineTuning.KeptWeights) -> FineTuning.Outcome {
        FineTuning.Outcome(
            evaluations: state.evaluations, kept: (keeps == .best ? state.best : nil) ?? state.evaluations.count - 1,
            steps: state.step,
            trainingSeconds: state.trainingSeconds,
            samplesPerSecond: Double(state.trained) / max(state.trainingSeconds, 1e-9),
            inverseRegularization: state.inverseRegularization)
    }

    /// Whether the last evaluations were no better than one before.
    private func isStalled(_ plan: TrainingPlan) -> Bool {
        plan.keeps == .best && state.evaluations.last?.dev != nil && state.evaluationsOfPatience >= plan.patience
    }

    /// Trains from where the state is to the end of the epoch, or until a rollback leads to an earlier one.
    private func trainEpoch(
        _ plan: TrainingPlan, _ isInterrupted: () -> Bool, _ report: (FineTuning.Event) -> Void
    ) throws(FineTuning.Failure) {
        let epoch = state.epoch
        let order = RandomSource(seed: state.order)
        let batches = work.batches(inEpoch: epoch, order: order)
        let steps = plan.schedule.steps
        while state.epoch == epoch, state.batch < batches.count, !isStalled(plan) {
            if isInterrupted() { try saveInterrupted(report) }
            guard
                try train(on: batches[batches.index(batches.startIndex, offsetBy: state.batch)], plan.schedule, report)
            else { continue }
            if let interval = plan.evaluationSteps, state.step % interval == 0, state.step < steps {
                guard try evaluate(keeping: plan.keeps, endsEpoch: false, isLast: false, report) else { continue }
            }
            if state.batch == batches.count { break }
            try keepGoodStateIfDue(report)
            saveIfDue(endsEpoch: false, report)
        }
        guard state.epoch == epoch, state.batch == batches.count else { return }
        if plan.evaluationSteps == nil || state.step == steps {
            guard try evaluate(keeping: plan.keeps, endsEpoch: true, isLast: state.step == steps, report) else {
                return
            }
        }
        state.order = order.state
        state.batch = 0
        state.epoch += 1
        guard state.epoch <= plan.epochs, !isStalled(plan) else { return }
        try keepGoodStateIfDue(report)
        saveIfDue(endsEpoch: true, report)
    }

    /// - Returns: whether the step counts: not where the run diverged and went back.
    private func train(
        on batch: [Int], _ schedule: LearningRateSchedule, _ report: (FineTuning.Event) -> Void
    ) throws(FineTuning.Failure) -> Bool {
        let started = monotonicSeconds()
        let learningRate = schedule.learningRate(at: state.step) * state.learningRateScale
        let result = work.take(batch, learningRate: learningRate)
        if state.watch.sees(result.loss, gradientNorm: result.gradientNorm) {
            try rollBack(report)
            return false
        }
        state.add(loss: result.loss, examples: batch.count)
        state.dropout = work.dropout?.state ?? state.dropout
        state.trainingSeconds += monotonicSeconds() - started
        report(
            .step(
                FineTuning.Step(
                    epoch: state.epoch, step: state.step, steps: schedule.steps, loss: result.loss,
                    learningRate: learningRate, gradientNorm: result.gradientNorm,
                    samplesPerSecond: Double(state.trained) / state.trainingSeconds)))
        return true
    }

    /// - Parameter isLast: whether no step follows, so that the weights need not be kept.
    /// - Returns: whether the evaluation counts: not where the weights were no numbers and the run went back.
    @discardableResult
    func evaluate(
        keeping keeps: FineTuning.KeptWeights, endsEpoch: Bool, isLast: Bool, _ report: (FineTuning.Event) -> Void
    ) throws(FineTuning.Failure) -> Bool {
        guard weightsAreFinite else {
            try rollBack(report)
            return false
        }
        optimizer.exchangeAverages()
        defer { optimizer.exchangeAverages() }
        let metrics = work.evaluate()
        let evaluation = state.add(dev: metrics, endsEpoch: endsEpoch)
        report(.evaluation(evaluation))
        if keeps == .best, metrics != nil, evaluation.isBest, !isLast, let error = bestWeights.keep() {
            report(.cannotWrite(.bestWeights, error))
        }
        return true
    }
}
