import Embeddings
import Glibc
public import Tensors
import Transformer

/// Fine-tuning of a sequence classifier.
///
/// Source of the recipe: Devlin et al. 2019, "BERT", §4.1 and appendix A.3; Mosbach et al. 2021, "On the Stability of
/// Fine-tuning BERT".
public final class FineTuning {
    public enum Method: String, Sendable, CaseIterable {
        /// The head learns; the encoder's features are computed once and used in every epoch.
        case head
        /// Every parameter learns.
        case full
    }

    public struct Configuration: Equatable, Sendable {
        public var method: Method
        /// Of the encoder's products; weights, gradients, moments and sums are f32. `int8` is for the method `head`.
        public var precision = Precision.f32
        public var epochs: Int
        public var learningRate: Double
        public var batchSize: Int
        public var seed: UInt64
        public var weightDecay: Float = 0.01
        /// The share of all steps over which the learning rate rises.
        public var warmupRatio = 0.06
        /// Whether activations are computed again in the backward pass instead of kept.
        public var recomputesActivations = false
        /// Training stops after this many epochs without a better dev score.
        public var patience = 3

        /// The usual values for a method.
        public init(method: Method, seed: UInt64 = 42) {
            self.method = method
            self.seed = seed
            switch method {
            case .head: (epochs, learningRate, batchSize) = (20, 1e-3, 32)
            case .full: (epochs, learningRate, batchSize) = (3, 5e-5, 32)
            }
        }
    }

    public struct Examples: Sendable {
        public let texts: [TokenizedText]
        public let targets: [Int]

        public init(texts: [TokenizedText], targets: [Int]) {
            precondition(texts.count == targets.count, "\(texts.count) texts, \(targets.count) targets")
            self.texts = texts
            self.targets = targets
        }
    }

    /// What is reported while training goes on.
    public enum Event: Sendable {
        case extractingFeatures(examples: Int)
        case step(epoch: Int, step: Int, steps: Int, loss: Double, samplesPerSecond: Double)
        case epoch(EpochResult)
        case stoppedEarly(epoch: Int)
    }

    public struct EpochResult: Equatable, Sendable {
        public let epoch: Int
        public let trainingLoss: Double
        public let dev: ClassificationMetrics?
        public let isBest: Bool
    }

    public struct Outcome: Sendable {
        public let epochs: [EpochResult]
        /// The epoch whose weights the classifier holds now.
        public let bestEpoch: Int
        public let steps: Int
        /// Training alone, without the evaluations on dev.
        public let trainingSeconds: Double
        public let samplesPerSecond: Double
    }

    public enum Failure: Error, Equatable, Sendable, CustomStringConvertible {
        case diverged(epoch: Int, step: Int)
        case memory(MemoryShortage)

        public var description: String {
            switch self {
            case .memory(let error): "\(error)"
            case .diverged(let epoch, let step):
                "the loss or a weight is not a number in epoch \(epoch), step \(step). Lower --learning-rate; nothing was written."
            }
        }
    }

    private let classifier: SequenceClassifier
    private let configuration: Configuration
    private let optimizer: AdamW
    /// Order of the examples, and dropout, each from a source of its own.
    private let order: RandomSource
    private let dropout: RandomSource
    private var trainingSeconds = 0.0
    private var trained = 0

    public init(_ classifier: SequenceClassifier, _ configuration: Configuration) {
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
        var best: (result: EpochResult, weights: [Tensor])?
        var step = 0
        for epoch in 1...max(1, configuration.epochs) {
            var epochLoss = 0.0
            for batch in batches(lengths: train.texts.map(\.count)) {
                let started = monotonicSeconds()
                let loss = trainingStep(
                    batch, train, features, learningRate: schedule.learningRate(at: step))
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
            let isBest = metrics.map { new in best?.result.dev.map { new.isBetter(than: $0) } ?? true } ?? true
            let result = EpochResult(
                epoch: epoch, trainingLoss: epochLoss / Double(train.texts.count), dev: metrics, isBest: isBest)
            results.append(result)
            report(.epoch(result))
            // Without dev the last weights are the best ones: no copy is kept.
            if isBest { best = (result, dev == nil ? [] : optimizer.parameters.map(\.value)) }
            if let best, dev != nil, epoch - best.result.epoch >= configuration.patience, epoch < configuration.epochs {
                report(.stoppedEarly(epoch: epoch))
                break
            }
        }
        if let best, best.result.epoch != results.count {
            for (parameter, value) in zip(optimizer.parameters, best.weights) { parameter.update { $0 = value } }
        }
        classifier.freeze()
        return Outcome(
            epochs: results, bestEpoch: best?.result.epoch ?? results.count, steps: step,
            trainingSeconds: trainingSeconds, samplesPerSecond: Double(trained) / max(trainingSeconds, 1e-9))
    }

    /// About how many bytes training takes: weights, gradients, moments, packed matrices and activations.
    private func estimatedMemory(_ texts: [TokenizedText]) -> Int {
        let encoder = classifier.encoder.architecture
        guard configuration.method == .full else { return InferencePlan.bytes(encoder, configuration.precision) }
        let values = optimizer.parameters.reduce(0) { $0 + $1.shape.count }
        let longest = texts.map(\.count).max() ?? 0
        let tokens = max(longest, min(Self.tokensPerPart, longest * min(configuration.batchSize, texts.count)))
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
            let targets = batch.map { train.targets[$0] }
            let rows = features.gather(batch.map { Int32($0) })
            let (logits, saved) = classifier.head.forward(rows, training: dropout)
            let (value, gradient) = CrossEntropyLoss.evaluate(logits, targets: targets)
            _ = classifier.head.backward(gradient, saved)
            loss = value
        } else {
            classifier.pack()
            for part in parts(of: batch, train.texts) {
                let (logits, saved) = classifier.forward(TokenBatch(part.map { train.texts[$0] }), training: dropout)
                var (value, gradient) = CrossEntropyLoss.evaluate(logits, targets: part.map { train.targets[$0] })
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

    /// A batch in parts of a bounded number of tokens, whose gradients add up: memory does not grow with the texts.
    private func parts(of batch: [Int], _ texts: [TokenizedText]) -> [ArraySlice<Int>] {
        var parts: [ArraySlice<Int>] = []
        var (start, tokens) = (0, 0)
        for (place, index) in batch.enumerated() {
            if place > start, tokens + texts[index].count > Self.tokensPerPart {
                parts.append(batch[start..<place])
                (start, tokens) = (place, 0)
            }
            tokens += texts[index].count
        }
        parts.append(batch[start...])
        return parts
    }

    /// Enough rows for the products to run at full speed.
    private static let tokensPerPart = 1024

    /// The batches of an epoch: of a random order, stretches of fifty batches are sorted by length, so that the texts
    /// of a batch are alike; then the batches are shuffled.
    private func batches(lengths: [Int]) -> [[Int]] {
        let size = min(configuration.batchSize, lengths.count)
        let shuffled = order.permutation(of: lengths.count)
        var batches: [[Int]] = []
        for start in stride(from: 0, to: shuffled.count, by: 50 * size) {
            let stretch = shuffled[start..<min(shuffled.count, start + 50 * size)]
            let sorted = stretch.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
            for first in stride(from: 0, to: sorted.count, by: size) {
                batches.append(Array(sorted[first..<min(sorted.count, first + size)]))
            }
        }
        return order.permutation(of: batches.count).map { batches[$0] }
    }
}

extension SequenceClassifier {
    /// Compares the largest logits with the given labels.
    public func evaluate(logits: Tensor, targets: [Int]) -> ClassificationMetrics {
        let predictions = (0..<logits.rows).map { row in
            let values = logits.row(row)
            return values.indices.max { values[$0] < values[$1] }! - values.startIndex
        }
        let loss = targets.isEmpty ? nil : CrossEntropyLoss.evaluate(logits, targets: targets).loss
        return ClassificationMetrics(labels: labels, targets: targets, predictions: predictions, loss: loss)
    }
}

extension ClassificationMetrics {
    /// More accurate, or as accurate with a smaller loss.
    func isBetter(than other: ClassificationMetrics) -> Bool {
        (accuracy, -(loss ?? 0)) > (other.accuracy, -(other.loss ?? 0))
    }
}

/// Seconds of a clock that only goes forward.
package func monotonicSeconds() -> Double {
    let duration = ContinuousClock.now - processStart
    return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}

private let processStart = ContinuousClock.now

extension FineTuning.Examples {
    /// Tokenizes labelled texts as the classifier reads them.
    public init(_ examples: LabelledExamples, _ targets: [Int], _ classifier: SequenceClassifier) {
        let texts = parallelMap(examples.examples.count) { index in
            let example = examples.examples[index]
            return TokenizedText(
                example.text, pair: example.pair, classifier.tokenizer, maxLength: classifier.maxLength)
        }
        self.init(texts: texts, targets: targets)
    }
}
