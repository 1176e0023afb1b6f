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
    private let model: any TrainableModel
    private let configuration: Configuration
    private let optimizer: any Optimizer
    private let trainingStep: TrainingStep
    private let bestWeights: BestWeights
    private var state: TrainingState

    /// - Parameter directory: has room for a copy of what learns, which is kept there, without a name, while epochs after
    ///   the best one are trained.
    public init(_ model: any TrainableModel, _ configuration: Configuration, keepingBestIn directory: FilePath) {
        self.model = model
        self.configuration = configuration
        let isFull = configuration.method == .full
        if isFull { model.encoder.setPrecision(configuration.precision) }
        model.encoder.recomputesActivations = configuration.recomputesActivations
        for parameter in model.encoder.parameters { parameter.isTrainable = isFull }
        var settings = AdamW.Configuration()
        settings.weightDecay = configuration.weightDecay
        optimizer = AdamW(model.parameters.filter(\.isTrainable), settings)
        bestWeights = BestWeights(optimizer.parameters, in: directory)
        state = TrainingState(seed: configuration.seed)
        trainingStep = TrainingStep(model, optimizer, dropout: RandomSource(seed: state.dropout))
    }

    /// Trains the model, which then holds the weights of the best evaluation on `dev`, or without `dev` the last ones.
    ///
    /// - Parameter report: told of the progress, on the calling thread.
    public func run(train: Examples, dev: Examples?, report: (Event) -> Void) throws(Failure) -> Outcome {
        do {
            try MemoryShortage.check(
                estimatedMemory(train.texts), for: "--method \(configuration.method.rawValue)",
                advice: "Lower --max-length, use --recompute, or --method head.")
        } catch { throw .memory(error) }
        let run = prepare(train, dev, report)
        while state.epoch <= max(1, configuration.epochs), !(try trainEpoch(run, report)) {
            state.epoch += 1
        }
        if let best = state.best, best != state.evaluations.count - 1 {
            do { try bestWeights.restore() } catch { throw .weights(error) }
        }
        model.freeze(.f32)
        return Outcome(
            evaluations: state.evaluations, best: state.best ?? state.evaluations.count - 1, steps: state.step,
            trainingSeconds: state.trainingSeconds,
            samplesPerSecond: Double(state.trained) / max(state.trainingSeconds, 1e-9))
    }

    /// What stays the same from step to step.
    private struct Run {
        let train: Examples
        let dev: Examples?
        /// Where the head alone learns.
        let features: Tensor?
        let devFeatures: Tensor?
        let lengths: [Int]
        let batchSize: Int
        let schedule: LinearSchedule
    }

    private func prepare(_ train: Examples, _ dev: Examples?, _ report: (Event) -> Void) -> Run {
        var features: Tensor?
        var devFeatures: Tensor?
        if configuration.method == .head {
            let start = monotonicSeconds()
            report(.extractingFeatures(examples: train.texts.count + (dev?.texts.count ?? 0)))
            model.freeze(configuration.precision)
            features = model.features(train.texts)
            state.trainingSeconds += monotonicSeconds() - start
            devFeatures = dev.map { model.features($0.texts) }
        }
        let batchSize = min(configuration.batchSize, train.texts.count)
        let steps = (train.texts.count + batchSize - 1) / batchSize * configuration.epochs
        return Run(
            train: train, dev: dev, features: features, devFeatures: devFeatures, lengths: train.texts.lengths,
            batchSize: batchSize,
            schedule: LinearSchedule(
                peak: configuration.learningRate, warmupSteps: Int(configuration.warmupRatio * Double(steps)),
                steps: steps))
    }

    /// - Returns: whether training is to stop before the last epoch.
    private func trainEpoch(_ run: Run, _ report: (Event) -> Void) throws(Failure) -> Bool {
        let order = RandomSource(seed: state.order)
        let batches = TrainingBatches.epoch(lengths: run.lengths, batchSize: run.batchSize, order: order)
        while state.batch < batches.count {
            try train(on: batches[state.batch], run, report)
        }
        state.order = order.state
        state.batch = 0
        return try evaluate(run, report)
    }

    private func train(on batch: [Int], _ run: Run, _ report: (Event) -> Void) throws(Failure) {
        let started = monotonicSeconds()
        let learningRate = run.schedule.learningRate(at: state.step)
        let result = trainingStep.take(batch, of: run.train, features: run.features, learningRate: learningRate)
        guard result.loss.isFinite, result.gradientNorm.isFinite else {
            throw .diverged(epoch: state.epoch, step: state.step + 1)
        }
        state.add(loss: result.loss, examples: batch.count)
        state.dropout = trainingStep.dropout.state
        state.trainingSeconds += monotonicSeconds() - started
        report(
            .step(
                Step(
                    epoch: state.epoch, step: state.step, steps: run.schedule.steps, loss: result.loss,
                    learningRate: learningRate, gradientNorm: result.gradientNorm,
                    samplesPerSecond: Double(state.trained) / state.trainingSeconds)))
    }

    /// Evaluates at the end of an epoch.
    ///
    /// - Returns: whether training is to stop before the last epoch.
    private func evaluate(_ run: Run, _ report: (Event) -> Void) throws(Failure) -> Bool {
        guard optimizer.parameters.allSatisfy(\.value.isFinite) else {
            throw .diverged(epoch: state.epoch, step: state.step)
        }
        let metrics = run.dev.map { dev in
            if run.devFeatures == nil { model.freeze(.f32) }
            return model.evaluate(dev, features: run.devFeatures)
        }
        let evaluation = state.add(dev: metrics, endsEpoch: true)
        report(.evaluation(evaluation))
        guard metrics != nil, state.epoch < configuration.epochs else { return false }
        if evaluation.isBest {
            do { try bestWeights.keep() } catch { throw .weights(error) }
        }
        let best = state.best ?? 0
        guard state.evaluations.count - 1 - best >= configuration.patience else { return false }
        report(.stoppedEarly(evaluation))
        return true
    }

    /// Takes a few steps with growing learning rates, after which the weights are as they were before.
    ///
    /// The optimizer is used up by it: another `FineTuning` trains.
    public func findLearningRate(train: Examples, report: (Event) -> Void) throws(Failure) -> LearningRateRange {
        do { try bestWeights.keep() } catch { throw .weights(error) }
        let run = prepare(train, nil, report)
        let order = RandomSource(seed: state.order)
        var range = LearningRateRange()
        var batches: [[Int]] = []
        var step = 0
        repeat {
            if batches.isEmpty {
                batches = TrainingBatches.epoch(lengths: run.lengths, batchSize: run.batchSize, order: order)
            }
            let result = trainingStep.take(
                batches.removeFirst(), of: train, features: run.features,
                learningRate: LearningRateRange.learningRate(at: step))
            step += 1
            guard range.add(loss: result.loss) else { break }
        } while true
        do { try bestWeights.restore() } catch { throw .weights(error) }
        return range
    }

    /// About how many bytes training takes: weights, gradients, moments, packed matrices and activations.
    private func estimatedMemory(_ texts: TokenizedTexts) -> Int {
        let encoder = model.encoder.architecture
        guard configuration.method == .full else { return InferencePlan.bytes(encoder, configuration.precision) }
        let values = optimizer.parameters.reduce(0) { $0 + $1.shape.count }
        let longest = texts.lengths.max() ?? 0
        let tokens = max(
            longest, min(TrainingBatches.tokensPerPart, longest * min(configuration.batchSize, texts.count)))
        // Of a token in a layer: rows of the hidden size and of the intermediate one, and its attention.
        let token =
            4 * (14 * encoder.hiddenSize + 3 * encoder.intermediateSize + 2 * encoder.numAttentionHeads * longest)
        let layers = configuration.recomputesActivations ? 2 : encoder.numHiddenLayers
        return values * 20 + tokens * token * layers
    }
}
