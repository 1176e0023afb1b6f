import Checkpoints
import Embeddings
public import SystemPackage
import Tensors
import Transformer

/// Fine-tuning of a sequence classifier.
///
/// Source of the recipe: Devlin et al. 2019, "BERT", §4.1 and appendix A.3; Mosbach et al. 2021, "On the Stability of
/// Fine-tuning BERT".
public final class FineTuning {
    private let classifier: SequenceClassifier
    private let configuration: Configuration
    private let optimizer: AdamW
    /// Order of the examples, and dropout, each from a source of its own.
    private let order: RandomSource
    private let dropout: RandomSource
    /// Where the best weights wait while training goes on.
    private let directory: FilePath
    private var bestWeights: ScratchFile?
    private var trainingSeconds = 0.0
    private var trained = 0

    /// - Parameter directory: has room for a copy of what learns, which is kept there, without a name, while epochs after
    ///   the best one are trained.
    public init(_ classifier: SequenceClassifier, _ configuration: Configuration, keepingBestIn directory: FilePath) {
        self.directory = directory
        self.classifier = classifier
        self.configuration = configuration
        let isFull = configuration.method == .full
        if isFull { classifier.encoder.setPrecision(configuration.precision) }
        classifier.encoder.recomputesActivations = configuration.recomputesActivations
        for parameter in classifier.encoder.parameters { parameter.isTrainable = isFull }
        var settings = AdamW.Configuration()
        settings.weightDecay = configuration.weightDecay
        optimizer = AdamW(classifier.parameters.filter(\.isTrainable), settings)
        order = RandomSource(seed: configuration.seed)
        dropout = RandomSource(seed: configuration.seed ^ 0x5DEE_CE66_D1CE_4E5B)
    }

    /// Trains the classifier, which then holds the weights of the best epoch on `dev`, or without `dev` of the last.
    ///
    /// - Parameter report: told of the progress, on the calling thread.
    public func run(train: Examples, dev: Examples?, report: (Event) -> Void) throws(Failure) -> Outcome {
        let start = monotonicSeconds()
        do {
            try MemoryShortage.check(
                estimatedMemory(train.texts), for: "--method \(configuration.method.rawValue)",
                advice: "Lower --max-length, use --recompute, or --method head.")
        } catch { throw .memory(error) }
        let batchSize = min(configuration.batchSize, train.texts.count)
        var features: Tensor?
        var devFeatures: Tensor?
        if configuration.method == .head {
            report(.extractingFeatures(examples: train.texts.count + (dev?.texts.count ?? 0)))
            classifier.freeze(configuration.precision)
            features = classifier.features(train.texts)
            trainingSeconds += monotonicSeconds() - start
            devFeatures = dev.map { classifier.features($0.texts) }
        }
        let batchesPerEpoch = (train.texts.count + batchSize - 1) / batchSize
        let steps = batchesPerEpoch * configuration.epochs
        let schedule = LinearSchedule(
            peak: configuration.learningRate, warmupSteps: Int(configuration.warmupRatio * Double(steps)), steps: steps)
        var results: [EpochResult] = []
        var best: EpochResult?
        var step = 0
        for epoch in 1...max(1, configuration.epochs) {
            var epochLoss = 0.0
            let examples = train.inEpoch(epoch)
            for batch in TrainingBatches.epoch(
                lengths: train.texts.lengths, batchSize: batchSize, order: order)
            {
                let started = monotonicSeconds()
                let loss = trainingStep(
                    batch, examples, features, learningRate: schedule.learningRate(at: step))
                guard loss.isFinite else { throw .diverged(epoch: epoch, step: step + 1) }
                step += 1
                epochLoss += loss * Double(batch.count)
                trained += batch.count
                trainingSeconds += monotonicSeconds() - started
                report(
                    .step(
                        epoch: epoch, step: step, steps: steps, loss: loss,
                        samplesPerSecond: Double(trained) / trainingSeconds))
            }
            guard optimizer.parameters.allSatisfy(\.value.isFinite) else { throw .diverged(epoch: epoch, step: step) }
            let metrics = dev.map { dev in
                if devFeatures == nil { classifier.freeze() }
                return classifier.evaluate(
                    logits: devFeatures.map { classifier.head.forward($0).logits }
                        ?? classifier.logits(dev.texts), targets: dev.targets)
            }
            let isBest = metrics.map { new in best?.dev.map { new.isBetter(than: $0) } ?? true } ?? true
            let result = EpochResult(
                epoch: epoch, trainingLoss: epochLoss / Double(train.texts.count), dev: metrics, isBest: isBest)
            results.append(result)
            report(.epoch(result))
            if isBest {
                best = result
                // Without dev the last weights are the best ones.
                if dev != nil, epoch < configuration.epochs { try keepWeights() }
            }
            if let best, dev != nil, epoch - best.epoch >= configuration.patience, epoch < configuration.epochs {
                report(.stoppedEarly(epoch: epoch))
                break
            }
        }
        if let best, best.epoch != results.count { try restoreWeights() }
        classifier.freeze()
        return Outcome(
            epochs: results, bestEpoch: best?.epoch ?? results.count, steps: step,
            trainingSeconds: trainingSeconds, samplesPerSecond: Double(trained) / max(trainingSeconds, 1e-9))
    }

    // MARK: The best weights

    // In a file and not in memory, where they would be a quarter of what training takes.

    private func keepWeights() throws(Failure) {
        do throws(CheckpointError) {
            if bestWeights == nil { bestWeights = try ScratchFile(in: directory) }
            guard let file = bestWeights else { return }
            try file.rewind()
            for parameter in optimizer.parameters { try file.write(parameter.value.values) }
        } catch { throw .weights(error) }
    }

    private func restoreWeights() throws(Failure) {
        guard let file = bestWeights else { return }
        do throws(CheckpointError) {
            try file.rewind()
            for parameter in optimizer.parameters {
                let value = Tensor(parameter.shape, try file.read(count: parameter.shape.count))
                parameter.update { $0 = value }
            }
        } catch { throw .weights(error) }
    }

    // MARK: Steps

    /// About how many bytes training takes: weights, gradients, moments, packed matrices and activations.
    private func estimatedMemory(_ texts: TokenizedTexts) -> Int {
        let encoder = classifier.encoder.architecture
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

    /// One step on a batch.
    private func trainingStep(
        _ batch: [Int], _ train: Examples, _ features: Tensor?, learningRate: Double
    ) -> Double {
        var loss = 0.0
        if let features {
            let rows = features.gather(batch.map { Int32($0) })
            let (logits, saved) = classifier.head.forward(rows, training: dropout)
            let (value, gradient) = train.targets.gather(batch).loss(logits)
            _ = classifier.head.backward(gradient, saved)
            loss = value
        } else {
            classifier.pack()
            for part in TrainingBatches.parts(of: batch, train.texts) {
                let (logits, saved) = classifier.forward(TokenBatch(part.map { train.texts[$0] }), training: dropout)
                var (value, gradient) = train.targets.gather(part).loss(logits)
                let share = Double(part.count) / Double(batch.count)
                gradient.scale(by: Float(share))
                classifier.backward(gradient, saved)
                loss += share * value
            }
        }
        let norm = optimizer.step(learningRate: learningRate)
        optimizer.clearGradients()
        return norm.isFinite ? loss : .nan
    }

}
