import Checkpoints
package import Embeddings
package import Tensors
package import Transformer

/// Training of a sentence encoder as a run sees it.
package final class SentenceTrainingWork: TrainingWork {
    package let optimizer: Optimizer
    package let dropout: RandomSource?
    private let encoder: TrainableSentenceEncoder
    private let configuration: SentenceTraining.Configuration
    private let train: SentenceExamples
    private let dev: SentenceEvaluation?
    private let loss: any SentenceLoss
    private let keys: [[UInt64]]
    private let labels: [Int]

    package init(
        _ encoder: TrainableSentenceEncoder, _ configuration: SentenceTraining.Configuration, train: SentenceExamples,
        dev: SentenceEvaluation?
    ) {
        self.encoder = encoder
        self.configuration = configuration
        self.train = train
        self.dev = dev
        dropout = RandomSource(seed: TrainingState(seed: configuration.seed).dropout)
        loss = configuration.objective.makeLoss(
            size: encoder.size, labels: train.labels.count, random: RandomSource(seed: configuration.seed))
        let parameters = encoder.parameters + loss.parameters
        optimizer = Optimizer(
            parameters, groups: parameters.map { ParameterGroup($0, weightDecay: configuration.weightDecay) },
            maxGradientNorm: configuration.maxGradientNorm)
        let columns = train.columns
        keys =
            configuration.objective.sampler == .withoutDuplicates
            ? (0..<train.count).map { Array(train.keys[$0 * columns..<($0 + 1) * columns]) } : []
        if case .classes(let classes) = train.targets { labels = classes } else { labels = [] }
    }

    /// Of all epochs.
    func steps() -> Int {
        let order = RandomSource(seed: TrainingState(seed: configuration.seed).order)
        return (1...configuration.epochs).reduce(0) { $0 + batches(inEpoch: $1, order: order).count }
    }

    func batches(inEpoch epoch: Int, order: RandomSource) -> [[Int]] {
        configuration.objective.sampler.batches(
            count: train.count, size: configuration.batchSize, keys: keys, labels: labels, order: order)
    }

    // MARK: A step

    /// Texts that are encoded together, by their places in the batch.
    private struct Part {
        let texts: Range<Int>
        let tokens: TokenBatch
        /// The state of the source of dropout before the part.
        let dropoutState: UInt64?
        /// What the backward pass needs; `nil` where it is computed again.
        let saved: TrainableSentenceEncoder.Saved?
    }

    package func take(_ batch: [Int], learningRate: Double) -> TrainingStep.Result {
        encoder.encoder.pack()
        let (vectors, parts) = encode(batch)
        let count = batch.count
        let columns = (0..<vectors.rows / count).map { vectors.rows($0 * count..<($0 + 1) * count) }
        let (value, gradients) = loss.evaluate(columns, train.targets.gather(batch))
        let gradient = Tensor(rows: gradients)
        for part in parts {
            let saved =
                part.saved
                ?? encoder.forward(part.tokens, training: part.dropoutState.map { RandomSource(seed: $0) }).saved
            encoder.backward(gradient.rows(part.texts), saved)
        }
        let norm = optimizer.step(learningRate: learningRate)
        optimizer.clearGradients()
        return TrainingStep.Result(loss: value, gradientNorm: norm)
    }

    /// The vectors of the batch's texts, those of a column one below the other.
    private func encode(_ batch: [Int]) -> (vectors: Tensor, parts: [Part]) {
        var texts = (0..<train.columns).flatMap { column in batch.map { train.ids($0, column) } }
        if configuration.objective.loss == .simcse { texts += texts }
        var vectors: [Tensor] = []
        let parts = TrainingBatches.parts(lengths: texts.map(\.count)).map { range in
            let tokens = TokenBatch(texts[range])
            let state = dropout?.state
            let (rows, saved) = encoder.forward(tokens, training: dropout)
            vectors.append(rows)
            return Part(
                texts: range, tokens: tokens, dropoutState: state,
                saved: configuration.cachesGradients ? nil : saved)
        }
        return (Tensor(rows: vectors), parts)
    }

    // MARK: Around the steps

    func evaluate() -> EvaluationMetrics? { dev.map { .sentences($0.metrics(encoder.embed)) } }

    func identity() throws(CheckpointError) -> RunIdentity {
        try RunIdentity(
            trainingData: train.digest, devData: dev?.examples.digest, model: encoder.pretrained,
            settings: RunSettings(
                configuration: configuration, maxLength: encoder.maxLength,
                dropout: encoder.encoder.architecture.hiddenDropoutProb))
    }

    private struct RunSettings {
        let configuration: SentenceTraining.Configuration
        let maxLength: Int
        let dropout: Float
    }
}

extension SentenceExamples {
    /// SHA-256 of tokens and targets.
    fileprivate var digest: String {
        var fingerprint = Fingerprint()
        fingerprint.add([columns])
        for text in texts {
            fingerprint.add([Int32(text.count)])
            fingerprint.add(text.ids)
        }
        switch targets {
        case .none: break
        case .scores(let scores): fingerprint.add(scores)
        case .classes(let classes): fingerprint.add(classes)
        case .vectors(let columns): for vectors in columns { fingerprint.add(vectors.values) }
        }
        return fingerprint.digits
    }
}
