public import Checkpoints
public import Embeddings
public import SystemPackage
public import Tensors
package import Transformer

/// Training of a sentence encoder.
///
/// Sources: Reimers and Gurevych 2019, "Sentence-BERT", §3; Gao et al. 2021, "Scaling Deep Contrastive Learning Batch Size
/// under Memory Limited Setup" (gradient caching).
public final class SentenceTraining {
    public struct Configuration: Equatable, Sendable {
        public var objective: SentenceObjective
        public var epochs = 1
        public var learningRate = 2e-5
        public var batchSize = 32
        public var seed: UInt64 = 42
        public var weightDecay: Float = 0
        /// Of the encoder's products; weights, gradients, moments and sums are f32.
        public var precision = Precision.f32
        /// The share of all steps, or the number of steps, over which the learning rate rises.
        public var warmup = Optimization.Warmup.ratio(0.1)
        public var maxGradientNorm = 1.0
        /// Whether a batch is encoded twice, first without keeping what the backward pass needs: the gradients are the same,
        /// and memory does not grow with the batch.
        public var cachesGradients = false
        /// The number of steps after which the encoder is measured; `nil`: at the end of each epoch.
        public var evaluationSteps: Int?
        /// Which weights the encoder has in the end.
        public var keeps = FineTuning.KeptWeights.best
        /// Training stops after this many evaluations without a better one, where the best weights are kept.
        public var patience = 3

        public init(_ objective: SentenceObjective) { self.objective = objective }
    }

    let encoder: TrainableSentenceEncoder
    let configuration: Configuration
    /// Of the encoder's vectors; learns with it where the objective is `tsdae`.
    package let decoder: VectorDecoder?
    private let scratch: FilePath
    private var run: TrainingRun?

    /// - Parameters:
    ///   - directory: has room for two copies of what learns, which are kept there without a name.
    /// - Throws: `ModelError.noDecoder` where the objective needs a decoder and the family's layers cannot be one's.
    public init(
        _ encoder: TrainableSentenceEncoder, _ configuration: Configuration, keepingBestIn directory: FilePath
    ) throws(ModelError) {
        self.encoder = encoder
        self.configuration = configuration
        decoder =
            configuration.objective.loss == .tsdae
            ? try encoder.decoder(RandomSource(seed: configuration.seed)) : nil
        scratch = directory
        decoder?.setPrecision(configuration.precision)
        encoder.encoder.setPrecision(configuration.precision)
    }

    /// Trains the encoder, which then holds the weights of the best evaluation on `dev`, or the last ones: without
    /// `dev`, and where the configuration says so.
    ///
    /// - Parameters:
    ///   - checkpoints: `nil` writes none.
    ///   - isInterrupted: asked after every step; a run that is interrupted writes a checkpoint, and ends with an error.
    ///   - report: told of the progress, on the calling thread.
    public func run(
        train: SentenceExamples, dev: SentenceEvaluation?, checkpoints: FineTuning.Checkpoints? = nil,
        isInterrupted: () -> Bool = { false }, report: (FineTuning.Event) -> Void
    ) throws(FineTuning.Failure) -> FineTuning.Outcome {
        do {
            try MemoryShortage.check(
                estimatedMemory(train), for: "--loss \(configuration.objective.loss.rawValue)",
                advice: "Lower --batch-size or --max-length, or use --cached.")
        } catch { throw .memory(error) }
        let work = SentenceTrainingWork(encoder, configuration, train: train, dev: dev, decoder: decoder)
        let run = TrainingRun(
            work, work.optimizer, TrainingState(seed: configuration.seed), keepingBestIn: scratch)
        self.run = run
        try run.prepareSaving(checkpoints, report)
        if !run.state.isFinished {
            let steps = work.steps()
            if let warmup = configuration.warmup.excess(over: steps) {
                report(.warmupExceedsRun(warmup: warmup, steps: steps))
            }
            let schedule = LearningRateSchedule(
                .linear, peak: configuration.learningRate, warmupSteps: configuration.warmup.steps(of: steps),
                steps: steps)
            let plan = TrainingPlan(
                epochs: configuration.epochs, schedule: schedule, evaluationSteps: configuration.evaluationSteps,
                keeps: configuration.keeps, patience: configuration.patience)
            try run.train(plan, isInterrupted: isInterrupted, report)
        }
        return run.outcome(keeping: configuration.keeps)
    }

    /// How many of the examples are in the batches of the first epoch; the others do not go with any.
    public func examplesInBatches(of train: SentenceExamples) -> Int {
        guard configuration.objective.sampler != .shuffled else { return train.count }
        let work = SentenceTrainingWork(encoder, configuration, train: train, dev: nil, decoder: decoder)
        return work.batches(inEpoch: 1, order: RandomSource(seed: TrainingState(seed: configuration.seed).order))
            .reduce(0) { $0 + $1.count }
    }

    /// About how many bytes training takes: weights, gradients, moments, packed matrices and the activations of a batch, or
    /// with cached gradients of a part of one.
    func estimatedMemory(_ train: SentenceExamples) -> Int {
        let architecture = encoder.encoder.architecture
        let parameters = encoder.parameters + (decoder?.parameters ?? [])
        let values = parameters.reduce(0) { $0 + $1.shape.count }
        let longest = train.texts.lengths.max() ?? 0
        var tokens = longest * train.columns * min(configuration.batchSize, train.count)
        if configuration.objective.loss == .simcse { tokens *= 2 }
        if configuration.cachesGradients { tokens = max(longest, min(tokens, TrainingParts.tokensPerPart)) }
        var scores = 0
        if decoder != nil {
            // The decoder goes through a batch part by part; of the scores of a few tokens there are three copies.
            tokens += max(longest, min(tokens, TrainingParts.tokensPerPart))
            scores = 12 * max(architecture.vocabSize, MaskedLanguageHead.scoresAtOnce)
        }
        return values * 20 + scores
            + tokens * architecture.activationBytes(longest: longest) * architecture.numHiddenLayers
    }

    /// Writes what a run that ended has made; then its checkpoint goes. Where that cannot be written, the result becomes
    /// a checkpoint, if there is room for one.
    ///
    /// - Precondition: there was a run.
    public func deliver(_ write: () throws(CheckpointError) -> Void) throws(FineTuning.Failure) {
        guard let run else { preconditionFailure("nothing was run") }
        try run.deliver(write)
    }
}
