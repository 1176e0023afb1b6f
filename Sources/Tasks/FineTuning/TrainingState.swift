/// Where a run is: all of it but the weights and the optimizer's tensors.
struct TrainingState: Codable, Equatable, Sendable {
    /// From 1.
    var epoch = 1
    /// The batches of the epoch that were learned from.
    var batch = 0
    /// The steps taken.
    var step = 0
    /// The state of the source of the examples' order when the epoch began.
    var order: UInt64
    /// The state of the source of dropout.
    var dropout: UInt64
    var evaluations: [FineTuning.Evaluation] = []
    /// The index of the best evaluation, or without a dev set of the last.
    var best: Int?
    /// Summed over the examples since the last evaluation.
    var lossSum = 0.0
    var examplesInSum = 0
    /// The number of examples learned from, and the seconds that took.
    var trained = 0
    var trainingSeconds = 0.0
    /// What the learning rates of the schedule are multiplied by: halved with every rollback.
    var learningRateScale = 1.0
    var rollbacks = 0
    /// How many evaluations there were at the last rollback.
    var evaluationsAtRollback = 0
    /// Where a good state was last kept; 0: at the start.
    var goodStep = 0
    var watch = DivergenceWatch()
    /// What the head's solver chose.
    var inverseRegularization: Double?
    /// Whether the weights are those of the result.
    var isFinished = false

    init(seed: UInt64) {
        order = seed
        dropout = seed ^ 0x5DEE_CE66_D1CE_4E5B
    }

    mutating func add(loss: Double, examples: Int) {
        lossSum += loss * Double(examples)
        examplesInSum += examples
        trained += examples
        step += 1
        batch += 1
    }

    /// Adds an evaluation of the weights as they are now.
    mutating func add(dev metrics: EvaluationMetrics?, endsEpoch: Bool) -> FineTuning.Evaluation {
        let isBest = metrics.map { new in best.flatMap { evaluations[$0].dev }.map { new.isBetter(than: $0) } ?? true }
        let evaluation = FineTuning.Evaluation(
            epoch: epoch, step: step, endsEpoch: endsEpoch,
            trainingLoss: lossSum / Double(max(1, examplesInSum)), dev: metrics, isBest: isBest ?? true)
        (lossSum, examplesInSum) = (0, 0)
        evaluations.append(evaluation)
        if evaluation.isBest { best = evaluations.count - 1 }
        return evaluation
    }

    /// The number of evaluations since the best one.
    var evaluationsSinceBest: Int { best.map { evaluations.count - 1 - $0 } ?? 0 }

    /// Those of them since the last rollback: evaluations of what was thrown away say nothing about what goes on.
    var evaluationsOfPatience: Int { min(evaluationsSinceBest, evaluations.count - evaluationsAtRollback) }

    /// Goes back to where the run was, with half the learning rate. What was evaluated meanwhile stays known.
    mutating func rollBack(to good: TrainingState) {
        var state = good
        state.evaluations = evaluations
        state.best = best
        state.learningRateScale = learningRateScale / 2
        state.rollbacks = rollbacks + 1
        state.evaluationsAtRollback = evaluations.count
        state.trainingSeconds = trainingSeconds
        state.trained = trained
        self = state
    }
}
