public import Checkpoints
public import Embeddings
public import SystemPackage
import Tensors
public import Tokenizers
import Transformer

/// The encoder of a classifier for a few examples a label: it learns that texts of one label are alike and others are not,
/// from pairs of the examples.
///
/// Source: Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts" (SetFit), §3.
public final class FewShotBody {
    private let encoder: TrainableSentenceEncoder
    private let configuration: SentenceTraining.Configuration
    private let strategy: LabelledPairs.Strategy

    /// - Parameter base: whose vectors are read as the head of a classifier reads them: the mean of all tokens where the
    ///   model was published with that and its family has a layer for it, else the first token.
    public init(
        _ base: ModelDirectory, _ configuration: FineTuning.Configuration, _ strategy: LabelledPairs.Strategy
    ) throws(ModelError) {
        let readsMean = try loading { () throws(CheckpointError) in
            let canReadMean = try EncoderArchitecture(base.openConfiguration()).canHaveMeanLayer
            let publishesMean = try SentenceModules.publishesMean(base)
            return canReadMean && publishesMean
        }
        encoder = try TrainableSentenceEncoder(
            base, dropout: configuration.optimization.dropout, pooling: readsMean ? .mean : .cls)
        encoder.encoder.setPrecision(configuration.precision)
        var own = SentenceTraining.Configuration(SentenceObjective(.cosine))
        own.epochs = configuration.epochs
        own.learningRate = configuration.learningRate
        own.batchSize = configuration.batchSize
        own.seed = configuration.seed
        own.maxGradientNorm = configuration.optimization.maxGradientNorm
        self.configuration = own
        self.strategy = strategy
    }

    /// How many tokens a text may have, and who makes them.
    public var limit: (positions: Int?, tokenizer: Tokenizer) { (encoder.encoder.maxTokens, encoder.tokenizer) }

    /// - Parameters:
    ///   - texts: of all examples.
    ///   - labels: of each, of which there are two at least.
    ///   - isInterrupted: asked after every step.
    ///   - report: told of the progress, on the calling thread.
    /// - Returns: how many seconds it took.
    public func train(
        _ texts: [String], labels: [Int], maxLength: Int?, keepingStateIn directory: FilePath,
        isInterrupted: () -> Bool = { false }, report: (FineTuning.Event) -> Void
    ) throws(FineTuning.Failure) -> Double {
        if let maxLength { encoder.maxLength = min(encoder.maxLength, maxLength) }
        let work = FewShotWork(encoder, configuration, texts: texts.map(encoder.ids), labels: labels, strategy)
        let run = TrainingRun(
            work, work.step.optimizer, TrainingState(seed: configuration.seed), keepingBestIn: directory)
        let steps = work.batchCount * configuration.epochs
        let schedule = LearningRateSchedule(
            .linear, peak: configuration.learningRate, warmupSteps: configuration.warmup.steps(of: steps), steps: steps)
        try run.train(
            TrainingPlan(
                epochs: configuration.epochs, schedule: schedule, evaluationSteps: nil, keeps: .last,
                patience: .max),
            isInterrupted: isInterrupted, report)
        return run.state.trainingSeconds
    }

    /// Writes it as a sentence encoder.
    public func write(to path: FilePath) throws(CheckpointError) { try encoder.write(to: path) }
}

/// Pairs of a few examples, as a run sees them.
private final class FewShotWork: TrainingWork {
    let step: SentenceStep
    private let texts: [[Int32]]
    private let labels: [Int]
    private let strategy: LabelledPairs.Strategy
    private let batchSize: Int
    private let pairCount: Int
    /// Of the epoch.
    private var pairs: LabelledPairs

    init(
        _ encoder: TrainableSentenceEncoder, _ configuration: SentenceTraining.Configuration, texts: [[Int32]],
        labels: [Int], _ strategy: LabelledPairs.Strategy
    ) {
        step = SentenceStep(
            encoder, CosineSimilarityLoss(), configuration,
            dropout: RandomSource(seed: TrainingState(seed: configuration.seed).dropout))
        self.texts = texts
        self.labels = labels
        self.strategy = strategy
        pairs = LabelledPairs(labels: labels, strategy, order: RandomSource(seed: configuration.seed))
        pairCount = pairs.count
        batchSize = min(configuration.batchSize, max(1, pairCount))
    }

    var dropout: RandomSource? { step.dropout }
    var batchCount: Int { (pairCount + batchSize - 1) / batchSize }

    func batches(inEpoch epoch: Int, order: RandomSource) -> AnyRandomAccessCollection<[Int]> {
        pairs = LabelledPairs(labels: labels, strategy, order: order)
        let (count, size) = (pairCount, batchSize)
        return AnyRandomAccessCollection(
            (0..<batchCount).lazy.map { Array($0 * size..<min(count, ($0 + 1) * size)) })
    }

    /// A text that comes several times in a batch is encoded once.
    func take(_ batch: [Int], learningRate: Double) -> TrainingStep.Result {
        let pairs = batch.map { self.pairs[$0] }
        var places: [Int: Int32] = [:]
        var chosen: [[Int32]] = []
        func place(_ example: Int) -> Int32 {
            if let known = places[example] { return known }
            let new = Int32(chosen.count)
            places[example] = new
            chosen.append(texts[example])
            return new
        }
        let columns = [pairs.map { place($0.first) }, pairs.map { place($0.second) }]
        return step.take(
            chosen, at: columns, .scores(pairs.map { $0.isAlike ? 1 : 0 }), learningRate: learningRate)
    }

    func evaluate() -> EvaluationMetrics? { nil }

    func identity() throws(CheckpointError) -> RunIdentity {
        preconditionFailure("a run of pairs of a few examples writes no checkpoints")
    }
}
