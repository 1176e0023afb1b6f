import Checkpoints
public import Embeddings
import JSON
public import SystemPackage
import Tensors

/// Trains a classifier on word vectors.
public final class WordVectorFineTuning {
    public let training: WordClassifierTraining
    private let vectors: WordVectors
    private let splitting: WordSplitting
    private let data: FineTuningData
    private var state: TrainingState
    /// The share of the words to learn from that have a vector.
    public let coverage: Double

    /// Reads the texts again, as words.
    ///
    /// - Precondition: the data has labels, not numbers, and no pairs.
    public init(
        _ vectors: WordVectors, _ splitting: WordSplitting, _ data: FineTuningData,
        _ configuration: WordClassifierConfiguration
    ) throws {
        precondition(data.problem != .regression && !data.hasPairs, "word vectors with \(data.problem)")
        self.vectors = vectors
        self.splitting = splitting
        self.data = data
        var texts = WordClassifierTexts(vectors, splitting, wordNgrams: configuration.wordNgrams)
        let reader = texts
        try data.forEachText(reader.read, train: { texts.append($0) }, dev: { texts.appendDev($0) })
        coverage = Double(texts.knownTokens) / Double(max(1, texts.tokens - data.trainCount))
        training = try WordClassifierTraining(
            texts, from: data.train.file, answers: data.trainTargets.labels, labels: data.labels,
            isOneVersusAll: data.problem == .multiLabel, configuration)
        state = TrainingState(seed: configuration.seed)
    }

    /// Trains all epochs, and measures after each.
    ///
    /// - Parameters:
    ///   - isInterrupted: asked after every part of an epoch; a run that is interrupted leaves nothing.
    ///   - report: told of the progress.
    public func run(
        isInterrupted: () -> Bool = { false }, report: (FineTuning.Event) -> Void
    ) throws(FineTuning.Failure) -> FineTuning.Outcome {
        let epochs = training.configuration.epochs
        let steps = epochs * training.partsOfEpoch
        while state.epoch <= epochs {
            var started = monotonicSeconds()
            var isFinite = true
            let isWhole = training.runEpoch { examples, loss, learningRate in
                state.add(loss: loss, examples: examples)
                state.trainingSeconds += monotonicSeconds() - started
                isFinite = loss.isFinite
                report(
                    .step(
                        FineTuning.Step(
                            epoch: state.epoch, step: state.step, steps: steps, loss: loss, learningRate: learningRate,
                            gradientNorm: nil,
                            samplesPerSecond: Double(state.trained) / max(state.trainingSeconds, 1e-9))))
                started = monotonicSeconds()
                return isFinite && !isInterrupted()
            }
            if !isFinite { throw .diverged(epoch: state.epoch, step: state.step) }
            if !isWhole { throw .interrupted(step: state.step, checkpoint: nil) }
            report(.evaluation(state.add(dev: evaluate(), endsEpoch: true)))
            state.epoch += 1
        }
        return FineTuning.Outcome(
            evaluations: state.evaluations, kept: state.evaluations.count - 1, steps: state.step,
            trainingSeconds: state.trainingSeconds,
            samplesPerSecond: Double(state.trained) / max(state.trainingSeconds, 1e-9), inverseRegularization: nil)
    }

    private func evaluate() -> EvaluationMetrics? {
        guard let targets = data.devTargets else { return nil }
        let logits = training.devLogits()
        return EvaluationMetrics(
            logits: logits, scores: data.problem == .multiLabel ? logits.sigmoided() : logits.softmaxedRows(),
            targets: targets, labels: data.labels, threshold: 0.5)
    }

    /// Writes the model, what `graft.json` says of it, the report and the card: all of it or nothing.
    ///
    /// - Parameters:
    ///   - model: the vectors as they were named.
    ///   - facts: what the report says of the run alone, such as its time.
    public func write(
        to target: FilePath, model: String, _ outcome: FineTuning.Outcome, history: TrainingHistory,
        facts: [RunReport.Fact]
    ) throws -> FineTuningRecord {
        let directory = try AtomicDirectory(target)
        let temporary = directory.temporary
        try training.write(to: temporary.appending(WordVectorClassifier.modelName))
        let classifier = try WordVectorClassifier(temporary)
        let analysis = data.devTargets.map { DevAnalysis(classifier, logits: training.devLogits(), targets: $0) }
        let record = FineTuningRecord(
            reading: [WordVectorClassifier.ruleKey: .string(splitting.rule.rawValue)], training: settings(outcome),
            outcome: outcome, model: model, data: data, temperature: analysis?.temperature)
        try JSONFile(target, object: record.object).write(
            to: temporary.appending(SequenceClassifier.recordName))
        try FineTuningReport(
            output: target, model: model, classifier: classifier, rule: splitting.rule, record: record.object,
            history: history, data: data, analysis: analysis, run: facts
        ).write(to: temporary)
        try directory.commit()
        return record
    }

    private func settings(_ outcome: FineTuning.Outcome) -> JSONObject {
        let configuration = training.configuration
        return [
            "method": .string("word-vectors"), "vectors": .string(vectors.summary),
            "seed": .integer(Int(clamping: configuration.seed)), "epochs": .integer(configuration.epochs),
            "learning_rate": .number(configuration.learningRate), "word_ngrams": .integer(configuration.wordNgrams),
            "buckets": .integer(training.buckets), "kept_epoch": .integer(outcome.keptEvaluation.epoch),
            "steps": .integer(outcome.steps),
        ]
    }
}

extension Targets {
    /// The labels of each example.
    fileprivate var labels: [[Int32]] {
        switch self {
        case .classes(let indices): indices.map { [Int32($0)] }
        case .labelSets(let sets):
            (0..<sets.rows).map { row in zip(0..., sets.row(row)).filter { $0.1 > 0.5 }.map { Int32($0.0) } }
        case .values, .tags: preconditionFailure("numbers or tags in place of labels")
        }
    }
}
