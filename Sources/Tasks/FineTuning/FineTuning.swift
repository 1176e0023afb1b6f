import Checkpoints
import Embeddings
public import SystemPackage
import Tensors
import Transformer

/// Fine-tuning of an encoder with a head.
///
/// Source of the recipe: Devlin et al. 2019, "BERT", §4.1 and appendix A.3; Mosbach et al. 2021, "On the Stability of
/// Fine-tuning BERT".
public final class FineTuning {
    let model: any TrainableModel
    let configuration: Configuration
    let optimizer: Optimizer
    let learning: LearningParameters
    let trainingStep: TrainingStep
    let bestWeights: BestWeights
    let lastGood: LastGoodState
    var state: TrainingState
    /// Whether it was said that the last good state cannot be kept.
    var lacksGoodState = false
    /// Where checkpoints go.
    package var saving: RunSaving?

    /// How often a run that diverges is brought back.
    static let maxRollbacks = 3

    /// - Parameter directory: has room for two copies of what learns, which are kept there, without a name: of the best
    ///   weights, and of the last state that a run that diverges goes back to.
    public init(_ model: any TrainableModel, _ configuration: Configuration, keepingBestIn directory: FilePath)
        throws(OptimizationError)
    {
        self.model = model
        self.configuration = configuration
        if configuration.method != .head { model.encoder.setPrecision(configuration.precision) }
        model.encoder.recomputesActivations = configuration.recomputesActivations
        let optimization = configuration.optimization
        learning = try LearningParameters(model, configuration)
        optimizer = Optimizer(
            learning.parameters, optimization.algorithm.rule, groups: learning.groups,
            maxGradientNorm: optimization.maxGradientNorm, averageDecay: optimization.averageDecay)
        bestWeights = BestWeights(optimizer.parameters, in: directory)
        lastGood = LastGoodState(optimizer, in: directory)
        state = TrainingState(seed: configuration.seed)
        trainingStep = TrainingStep(model, optimizer, optimization, dropout: RandomSource(seed: state.dropout))
    }

    /// Trains the model, which then holds the weights of the best evaluation on `dev`, or the last ones: without `dev`,
    /// and where the configuration says so.
    ///
    /// - Parameters:
    ///   - checkpoints: `nil` writes none.
    ///   - isInterrupted: asked after every step; a run that is interrupted writes a checkpoint, and ends with an error.
    ///   - report: told of the progress, on the calling thread.
    public func run(
        train: Examples, dev: Examples?, checkpoints: Checkpoints? = nil, isInterrupted: () -> Bool = { false },
        report: (Event) -> Void
    ) throws(Failure) -> Outcome {
        do {
            try MemoryShortage.check(
                estimatedMemory(train.texts, dev: dev?.texts), for: "--method \(configuration.method.rawValue)",
                advice: "Lower --max-length, use --recompute, or --method head.")
        } catch { throw .memory(error) }
        try prepareSaving(checkpoints, train, dev, report)
        let run = prepare(train, dev, report)
        if !state.isFinished {
            if configuration.method == .head, configuration.optimization.headSolver == .lbfgs {
                try solveHead(run, report)
            } else {
                try trainEpochs(run, isInterrupted, report)
            }
            try takeBestWeights()
        }
        model.freeze(.f32)
        return Outcome(
            evaluations: state.evaluations, kept: (keepsBest ? state.best : nil) ?? state.evaluations.count - 1,
            steps: state.step,
            trainingSeconds: state.trainingSeconds,
            samplesPerSecond: Double(state.trained) / max(state.trainingSeconds, 1e-9),
            inverseRegularization: state.inverseRegularization)
    }

    /// Trains the head in one go.
    private func solveHead(_ run: Run, _ report: (Event) -> Void) throws(Failure) {
        guard let features = run.features else { preconditionFailure("a head is solved for on features") }
        let started = monotonicSeconds()
        let solver = HeadSolver(
            model.head, configuration.optimization.objective,
            inverseRegularization: configuration.optimization.inverseRegularization)
        let dev = run.devFeatures.flatMap { features in
            keepsBest ? run.dev.map { (features, $0.targets.ofRows) } : nil
        }
        let solution = solver.solve(
            features, run.train.targets.ofRows, dev: dev, random: RandomSource(seed: configuration.seed))
        state.add(loss: solution.loss, examples: run.train.texts.count)
        state.step = solution.steps
        state.trainingSeconds += monotonicSeconds() - started
        state.inverseRegularization = solution.inverseRegularization
        _ = try evaluate(run, endsEpoch: true, report)
    }

    private func trainEpochs(_ run: Run, _ isInterrupted: () -> Bool, _ report: (Event) -> Void) throws(Failure) {
        try keepGoodState(report)
        while state.epoch <= configuration.epochs, !isStalled {
            try trainEpoch(run, isInterrupted, report)
        }
        if isStalled, state.step < run.schedule.steps, let last = state.evaluations.last {
            report(.stoppedEarly(last))
        }
    }

    private var keepsBest: Bool { configuration.keeps == .best }

    /// Whether the last evaluations were no better than one before.
    private var isStalled: Bool {
        keepsBest && state.evaluations.last?.dev != nil && state.evaluationsSinceBest >= configuration.patience
    }

    private func takeBestWeights() throws(Failure) {
        if keepsBest, state.evaluationsSinceBest > 0 {
            do { try bestWeights.restore() } catch { throw .weights(error) }
        } else {
            optimizer.exchangeAverages()
        }
        state.isFinished = true
    }

    /// What stays the same from step to step.
    struct Run {
        let train: Examples
        let dev: Examples?
        /// Where the head alone learns.
        let features: Tensor?
        let devFeatures: Tensor?
        let lengths: [Int]
        let batchSize: Int
        let schedule: LearningRateSchedule
    }

    func prepare(_ train: Examples, _ dev: Examples?, _ report: (Event) -> Void) -> Run {
        var features: Tensor?
        var devFeatures: Tensor?
        if configuration.method == .head, !state.isFinished {
            let start = monotonicSeconds()
            report(.extractingFeatures(examples: train.texts.count + (dev?.texts.count ?? 0)))
            model.freeze(configuration.precision)
            features = model.features(train)
            state.trainingSeconds += monotonicSeconds() - start
            devFeatures = dev.map(model.features)
        }
        let batchSize = min(configuration.batchSize, train.texts.count)
        let batches = (train.texts.count + batchSize - 1) / batchSize
        let accumulation = configuration.optimization.accumulation
        let steps = (batches + accumulation - 1) / accumulation * configuration.epochs
        return Run(
            train: train, dev: dev, features: features, devFeatures: devFeatures, lengths: train.texts.lengths,
            batchSize: batchSize,
            schedule: configuration.optimization.schedule(
                configuration.method, peak: configuration.learningRate, steps: steps))
    }

    /// Trains from where the state is to the end of the epoch, or until a rollback leads to an earlier one.
    private func trainEpoch(_ run: Run, _ isInterrupted: () -> Bool, _ report: (Event) -> Void) throws(Failure) {
        let epoch = state.epoch
        let order = RandomSource(seed: state.order)
        let examples = run.train.inEpoch(epoch)
        learning.choose(epoch: epoch)
        let batches = TrainingBatches.epoch(
            lengths: run.lengths, batchSize: run.batchSize, accumulating: configuration.optimization.accumulation,
            order: order)
        while state.epoch == epoch, state.batch < batches.count, !isStalled {
            if isInterrupted() { try saveInterrupted(report) }
            guard try train(on: batches[state.batch], of: examples, run, report) else { continue }
            if let steps = configuration.evaluationSteps, state.step % steps == 0, state.step < run.schedule.steps {
                guard try evaluate(run, endsEpoch: false, report) else { continue }
            }
            if state.batch == batches.count { break }
            if state.step % LastGoodState.interval == 0 { try keepGoodState(report) }
            saveIfDue(endsEpoch: false, report)
        }
        guard state.epoch == epoch, state.batch == batches.count else { return }
        if configuration.evaluationSteps == nil || state.step == run.schedule.steps {
            guard try evaluate(run, endsEpoch: true, report) else { return }
        }
        state.order = order.state
        state.batch = 0
        state.epoch += 1
        guard state.epoch <= configuration.epochs, !isStalled else { return }
        try keepGoodState(report)
        saveIfDue(endsEpoch: true, report)
    }

    /// - Returns: whether the step counts: not where the run diverged and went back.
    private func train(
        on batch: [Int], of examples: Examples, _ run: Run, _ report: (Event) -> Void
    ) throws(Failure) -> Bool {
        let started = monotonicSeconds()
        let learningRate = run.schedule.learningRate(at: state.step) * state.learningRateScale
        let result = trainingStep.take(batch, of: examples, features: run.features, learningRate: learningRate)
        if state.watch.sees(result.loss, gradientNorm: result.gradientNorm) {
            try rollBack(report)
            return false
        }
        state.add(loss: result.loss, examples: batch.count)
        state.dropout = trainingStep.dropout?.state ?? state.dropout
        state.trainingSeconds += monotonicSeconds() - started
        report(
            .step(
                Step(
                    epoch: state.epoch, step: state.step, steps: run.schedule.steps, loss: result.loss,
                    learningRate: learningRate, gradientNorm: result.gradientNorm,
                    samplesPerSecond: Double(state.trained) / state.trainingSeconds)))
        return true
    }

    /// - Returns: whether the evaluation counts: not where the weights were no numbers and the run went back.
    private func evaluate(_ run: Run, endsEpoch: Bool, _ report: (Event) -> Void) throws(Failure) -> Bool {
        guard weightsAreFinite else {
            try rollBack(report)
            return false
        }
        optimizer.exchangeAverages()
        defer { optimizer.exchangeAverages() }
        let metrics = run.dev.map { dev in
            if run.devFeatures == nil { model.freeze(.f32) }
            return model.evaluate(dev, features: run.devFeatures)
        }
        let evaluation = state.add(dev: metrics, endsEpoch: endsEpoch)
        report(.evaluation(evaluation))
        // The last weights need not be kept.
        if keepsBest, metrics != nil, evaluation.isBest, state.step < run.schedule.steps, let error = bestWeights.keep()
        {
            report(.cannotWrite(.bestWeights, error))
        }
        return true
    }
}
