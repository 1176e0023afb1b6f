import Checkpoints
package import Embeddings
package import Tensors
package import Transformer

/// Training of a sentence encoder as a run sees it.
package final class SentenceTrainingWork: TrainingWork {
    package var optimizer: Optimizer { step.optimizer }
    package var dropout: RandomSource? { step.dropout }
    private let encoder: TrainableSentenceEncoder
    private let configuration: SentenceTraining.Configuration
    private let train: SentenceExamples
    private let dev: SentenceEvaluation?
    private let step: SentenceStep
    private let keys: [[UInt64]]
    private let labels: [Int]

    package init(
        _ encoder: TrainableSentenceEncoder, _ configuration: SentenceTraining.Configuration, train: SentenceExamples,
        dev: SentenceEvaluation?, decoder: VectorDecoder? = nil
    ) {
        self.encoder = encoder
        self.configuration = configuration
        self.train = train
        self.dev = dev
        let dropout = RandomSource(seed: TrainingState(seed: configuration.seed).dropout)
        let loss = configuration.objective.makeLoss(
            size: encoder.size, labels: train.labels.count, random: RandomSource(seed: configuration.seed),
            decoder: decoder, dropout: dropout)
        step = SentenceStep(encoder, loss, configuration, dropout: dropout)
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

    func batches(inEpoch epoch: Int, order: RandomSource) -> AnyRandomAccessCollection<[Int]> {
        AnyRandomAccessCollection(
            configuration.objective.sampler.batches(
                count: train.count, size: configuration.batchSize, keys: keys, labels: labels, order: order))
    }

    package func take(_ batch: [Int], learningRate: Double) -> TrainingStep.Result {
        var columns = (0..<train.columns).map { column in batch.map { train.ids($0, column) } }
        if configuration.objective.loss == .simcse { columns += columns }
        if let deletion = configuration.objective.deletion {
            let damaged = zip(batch, columns[0]).map { example, ids in
                deletion.applied(to: ids, words: train.words(example, 0), step.dropout)
            }
            return step.take([damaged], .texts(columns[0]), learningRate: learningRate)
        }
        return step.take(columns, train.targets.gather(batch), learningRate: learningRate)
    }

    // MARK: Around the steps

    func evaluate() -> EvaluationMetrics? { dev.map { .sentences($0.metrics(encoder.embed)) } }

    func identity() throws(CheckpointError) -> RunIdentity {
        try RunIdentity(
            trainingData: train.digest, devData: dev?.examples.digest, model: encoder.pretrained,
            configuration: configuration,
            settings: [
                "maxLength": "\(encoder.maxLength)",
                "dropout": "\(encoder.encoder.architecture.hiddenDropoutProb)",
            ])
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
        case .texts(let texts): for ids in texts { fingerprint.add(ids) }
        }
        return fingerprint.digits
    }
}
