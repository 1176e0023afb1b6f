/// Where a run is: all of it but the weights and the optimizer's tensors.
struct TrainingState: Equatable, Sendable {
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
            trainingLoss: lossSum / Double(examplesInSum), dev: metrics, isBest: isBest ?? true)
        (lossSum, examplesInSum) = (0, 0)
        evaluations.append(evaluation)
        if evaluation.isBest { best = evaluations.count - 1 }
        return evaluation
    }
}
