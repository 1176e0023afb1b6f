public import ArgumentParser
import Checkpoints
import Embeddings
import JSON
import SystemPackage
public import Tasks
import Tensors
import Transformer

/// `finetune --problem-type token_classification`.
extension FineTune {
    /// Refuses what a tagger is not trained with.
    func checkTagging() throws {
        let name = "--problem-type \(TrainingTask.tokens.name)"
        try refuse(
            method.isAdapter,
            "--method \(method.rawValue) does not go with \(name); use full, head, top-k, gradual or bitfit.")
        try refuse([
            "--folds": data.folds != nil, "--check-data": data.checkData,
            "--drop-duplicates": data.dropDuplicates,
            "--strict-data": data.strictData, "--augment": augmentation.augment != nil,
            "--ordinal": objective.ordinal != nil, "--huber-delta": objective.huberDelta != nil,
            "--mixup": objective.mixup > 0,
            "--no-mean-layer": !optimization.meanLayer, "--search": searches.search != nil,
            "--find-learning-rate": searches.findLearningRate, "what columns are called": columns.areGiven,
        ]) { "\($0) does not go with \(name)." }
    }

    func trainTagger() throws {
        let start = monotonicSeconds()
        guard let output else { return }
        try threads.apply()
        _ = try trainingPrecision()
        let target = FilePath(output)
        _ = try AtomicDirectory(target)
        let checkpoints = runOptions.checkpoints(beside: target)
        try checkpoints.checkPlace()
        let data = try self.data.loadTagged(seed: seed)
        let tagger = try newTagger(data)
        let train = try tagger.examples(data.train)
        let dev = try data.dev.map { try tagger.examples($0) }
        var configuration = try configuration(examples: train.examples.texts.count)
        try objective.set(
            &configuration.optimization, labels: data.labels, targets: train.examples.targets, problem: .singleLabel)
        runOptions.set(&configuration, devExamples: data.dev?.count, isSplit: data.isSplit)
        describe(data, tagger, configuration, cut: train.cut + (dev?.cut ?? 0))

        let logs = try reports.logs(for: target, resumes: runOptions.resume)
        let scratch = target.lexicallyNormalized().removingLastComponent()
        let tuning = try FineTuning(tagger, configuration, keepingBestIn: scratch)
        let outcome = try self.train(tuning, train.examples, dev: dev?.examples, checkpoints, logs)
        let record = FineTuningRecord(
            tagger: tagger, configuration: configuration, outcome: outcome, model: model.model, data: data)
        let seconds = try deliver(outcome, of: tuning, to: target, logs, since: start) {
            () throws(CheckpointError) in
            try tagger.write(to: target, record: record.object)
        } report: { run, directory in
            FineTuningReport(
                output: target, model: model.model, directory: directory, tagger: tagger, record: record.object,
                history: logs.history, data: data, metrics: outcome.keptEvaluation.dev, run: run)
        }
        let summary = record.summary(output: output, seconds: seconds, peakMemoryMB: peakMemoryMB)
        try StandardOutput.print(line: .object(summary))
    }

    private func newTagger(_ data: TaggingData) throws -> TokenTagger {
        let tagger = try TokenTagger(
            pretrained: model.resolve(), labels: data.labels, dropout: objective.dropout,
            random: RandomSource(seed: seed))
        try tagger.limit(to: maxLength)
        return tagger
    }

    private func describe(
        _ data: TaggingData, _ tagger: TokenTagger, _ configuration: FineTuning.Configuration, cut: Int
    ) {
        if cut > 0 {
            StandardError.note(
                "\(cut.counted("sentence is", "sentences are")) longer than \(tagger.maxLength.counted("token")) and cut "
                    + "(--max-length)")
        }
        StandardError.note(
            "\(data.train.count.counted("training sentence")), one of \(data.labels.count) tags a word, "
                + "method \(method.rawValue), \(configuration.precision.rawValue) by \(MatrixEngine.current.rawValue), "
                + ThreadPool.shared.threads.counted("thread"))
    }
}

extension DataOptions {
    /// Sentences of tagged words, and what is worth knowing about them on standard error.
    func loadTagged(seed: UInt64) throws -> TaggingData {
        let data = try TaggingData(
            train: FilePath(train), dev: dev.map { FilePath($0) }, devShare: noDev ? nil : devShare ?? 0.1, seed: seed)
        StandardError.note(data.train.description)
        if let dev = data.dev {
            StandardError.note(
                data.isSplit
                    ? "\(dev.count) more are set aside to measure on (--dev, --no-dev)" : dev.description)
        }
        return data
    }
}

extension TokenTagger {
    /// - Parameter length: `nil` leaves it as the model says.
    func limit(to length: Int?) throws {
        guard let length else { return }
        try checkMaxLength(length, positions: pretrained.encoder.architecture.maxTokens, tokenizer)
        maxLength = length
    }
}

extension TrainingTask: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
    public static var allValueStrings: [String] { all.map(\.name) }
}
