public import Checkpoints
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
    /// Where copies of what learns are kept.
    let scratch: FilePath
    private var run: TrainingRun?

    /// - Parameter directory: has room for two copies of what learns, which are kept there, without a name: of the best
    ///   weights, and of the last state that a run that diverges goes back to.
    public init(_ model: any TrainableModel, _ configuration: Configuration, keepingBestIn directory: FilePath)
        throws(OptimizationError)
    {
        self.model = model
        self.configuration = configuration
        if !configuration.method.learnsHeadAlone { model.encoder.setPrecision(configuration.precision) }
        model.encoder.recomputesActivations = configuration.recomputesActivations
        let optimization = configuration.optimization
        learning = try LearningParameters(model, configuration)
        optimizer = Optimizer(
            learning.parameters, optimization.algorithm.rule, groups: learning.groups,
            maxGradientNorm: optimization.maxGradientNorm, averageDecay: optimization.averageDecay)
        scratch = directory
        trainingStep = TrainingStep(
            model, optimizer, optimization, batchSize: configuration.batchSize,
            dropout: RandomSource(seed: TrainingState(seed: configuration.seed).dropout))
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
                advice: memoryAdvice)
        } catch { throw .memory(error) }
        let work = FineTuningWork(self, train: train, dev: dev)
        let run = TrainingRun(
            work, optimizer, TrainingState(seed: configuration.seed), keepingBestIn: scratch)
        self.run = run
        try run.prepareSaving(checkpoints, report)
        if !run.state.isFinished {
            guard let seconds = work.extractFeatures(isInterrupted: isInterrupted, report) else {
                throw run.interruption
            }
            run.state.trainingSeconds += seconds
            if configuration.method.learnsHeadAlone, configuration.optimization.headSolver == .lbfgs {
                try solveHead(run, work, isInterrupted: isInterrupted, report)
            } else {
                let plan = TrainingPlan(
                    epochs: configuration.epochs, schedule: schedule(examples: train.texts.count),
                    evaluationSteps: configuration.evaluationSteps, keeps: configuration.keeps,
                    patience: configuration.patience)
                if let warmup = configuration.optimization.warmup?.excess(over: plan.schedule.steps) {
                    report(.warmupExceedsRun(warmup: warmup, steps: plan.schedule.steps))
                }
                try run.train(plan, isInterrupted: isInterrupted, report)
            }
        }
        model.freeze(.f32)
        return run.outcome(keeping: configuration.keeps)
    }

    /// Writes what a run that ended has made; then its checkpoint goes. Where that cannot be written, the result becomes
    /// a checkpoint, if there is room for one.
    ///
    /// - Precondition: there was a run.
    public func deliver(_ write: () throws(CheckpointError) -> Void) throws(Failure) {
        guard let run else { preconditionFailure("nothing was run") }
        try run.deliver(write)
    }

    /// Trains the head in one go.
    private func solveHead(
        _ run: TrainingRun, _ work: FineTuningWork, isInterrupted: () -> Bool, _ report: (Event) -> Void
    ) throws(Failure) {
        guard let features = work.features else { preconditionFailure("a head is solved for on features") }
        let started = monotonicSeconds()
        let solver = HeadSolver(
            model.head, configuration.optimization.objective,
            inverseRegularization: configuration.optimization.inverseRegularization)
        let dev = work.devFeatures.flatMap { features in
            configuration.keeps == .best ? work.dev.map { (features, $0.targets.ofRows) } : nil
        }
        let solution = solver.solve(
            features, work.train.targets.ofRows, dev: dev, random: RandomSource(seed: configuration.seed),
            shouldStop: isInterrupted)
        guard let solution else { throw run.interruption }
        run.state.add(loss: solution.loss, examples: work.train.texts.count)
        run.state.step = solution.steps
        run.state.trainingSeconds += monotonicSeconds() - started
        run.state.inverseRegularization = solution.inverseRegularization
        try run.evaluate(keeping: configuration.keeps, endsEpoch: true, isLast: true, report)
        try run.finish(keeping: configuration.keeps)
    }

    private func schedule(examples: Int) -> LearningRateSchedule {
        let perStep = configuration.examplesPerStep(of: examples)
        let steps = (examples + perStep - 1) / perStep * configuration.epochs
        return configuration.optimization.schedule(
            configuration.method, peak: configuration.learningRate, steps: steps)
    }
}
