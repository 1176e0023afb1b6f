import ArgumentParser
import Checkpoints
import FoundationEssentials
import Glibc
import JSON
import SystemPackage
import Tasks
import Tensors

extension FineTune {
    func run() throws {
        try reportingFailures {
            if let file = model.wordVectors { return try trainOnWordVectors(file) }
            try words.refuse()
            if problemType == .tokens { return try trainTagger() }
            let start = monotonicSeconds()
            if self.data.checkData {
                threads.request()
                let data = try self.data.load(columns, problem: problem, seed: seed)
                return try StandardOutput.print(line: .object(data.report))
            }
            try threads.apply()
            _ = try trainingPrecision()
            let target = output.map { FilePath($0) }
            // Made and removed again: what cannot be written must not show only after the training.
            if let target { _ = try AtomicDirectory(target) }
            let checkpoints = target.map { runOptions.checkpoints(beside: $0) }
            try checkpoints?.checkPlace()
            var data = try self.data.load(
                columns, problem: problem, seed: seed, splits: method != .fewShot)
            data.order(try objective.order(data.labels))
            var configuration = try fineTuningConfiguration(data)
            let scratch =
                target?.lexicallyNormalized().removingLastComponent()
                ?? FilePath(FileManager.default.temporaryDirectory.path())
            let body = try method == .fewShot ? trainBody(data, configuration, scratch) : nil
            defer { body?.remove() }
            let classifier = try newClassifier(data, configuration, from: body?.directory)
            try check(classifier, data)
            let examples = try tokenized(data, classifier, scratch)
            describe(data, examples, classifier, configuration)

            if searches.findLearningRate, let target {
                let tuning = try FineTuning(classifier, configuration, keepingBestIn: scratch)
                return try searches.findLearningRate(
                    tuning, train: examples.train, output: target, model: model.model
                ) { _ in }
            }
            let validation = try crossValidate(data, examples, configuration, scratch)
            guard let target else { return }
            let logs = try reports.logs(for: target, resumes: runOptions.resume)
            if let minutes = searches.search, let dev = examples.dev {
                let base = configuration
                logs.keep()
                configuration = try searches.search(
                    around: base, minutes: minutes, train: examples.train, dev: dev, scratch: scratch,
                    log: SearchLog(in: logs.directory)
                ) { try newClassifier(data, base) }
            }
            let tuning = try FineTuning(classifier, configuration, keepingBestIn: scratch)
            var outcome = try train(tuning, examples.train, dev: examples.dev, checkpoints, logs)
            outcome.trainingSeconds += body?.trainingSeconds ?? 0

            let analysis = examples.dev.map { dev in
                DevAnalysis(classifier, logits: classifier.logits(dev.texts), targets: dev.targets)
            }
            let record = FineTuningRecord(
                classifier: classifier, configuration: configuration, outcome: outcome, model: model.model,
                data: data, temperature: analysis?.temperature)
            let seconds = try deliver(outcome, of: tuning, to: target, logs, since: start) {
                () throws(CheckpointError) in
                try classifier.write(to: target, record: record.object)
            } report: { run, directory in
                try FineTuningReport(
                    output: target, model: model.model, directory: directory, classifier: classifier,
                    record: record.object, history: logs.history, data: data, examples: examples, analysis: analysis,
                    run: run)
            }
            var summary = record.summary(output: target.string, seconds: seconds, peakMemoryMB: peakMemoryMB)
            if let validation { summary.append("crossValidation", validation) }
            try StandardOutput.print(line: .object(summary))
        }
    }

    /// The pretrained model with a new head, and with the adapter that is to learn.
    ///
    /// - Parameter base: in place of the model.
    func newClassifier(
        _ data: FineTuningData, _ configuration: FineTuning.Configuration, from base: ModelDirectory? = nil
    ) throws -> SequenceClassifier {
        let classifier = try SequenceClassifier(
            pretrained: base ?? model.resolve(), labels: data.labels, problem: data.problem,
            meanLayer: method.learnsHeadAlone && optimization.meanLayer, dropout: configuration.optimization.dropout,
            random: RandomSource(seed: seed))
        try bottlenecks.attach(method, to: classifier, random: RandomSource(seed: seed))
        if let adapter = configuration.adapter {
            try classifier.attach(adapter, random: RandomSource(seed: seed))
        }
        try classifier.limit(to: maxLength, pairs: data.hasPairs)
        return classifier
    }

    /// What the flags say, and for the rest the recipe for so many examples.
    func configuration(examples: Int) throws -> FineTuning.Configuration {
        var configuration = try FineTuning.Configuration(
            method: method, examples: examples, model: model.resolve(), seed: seed)
        if let epochs { configuration.epochs = epochs }
        if let learningRate { configuration.learningRate = learningRate }
        if let batchSize { configuration.batchSize = batchSize }
        configuration.evaluationSteps = runOptions.evaluateEvery
        configuration.optimization = optimization.optimization(
            method, asksForSteps: asksForSteps,
            dropout: objective.dropout(configuration.optimization.dropout, problemType))
        if let weightDecay = optimization.weightDecay { configuration.weightDecay = weightDecay }
        configuration.recomputesActivations = recompute
        configuration.precision = try trainingPrecision()
        return configuration
    }

    /// What the encoder multiplies with, which this machine offers. After the engine is loaded. Features that are computed
    /// once are f32 unless something else is asked for.
    func trainingPrecision() throws(PrecisionError) -> Precision {
        if precision == nil, method == .head { return .f32 }
        return try .forTraining(precision)
    }

    private func fineTuningConfiguration(_ data: FineTuningData) throws -> FineTuning.Configuration {
        var configuration = try configuration(examples: data.trainCount)
        try objective.set(
            &configuration.optimization, labels: data.labels, targets: data.trainTargets, problem: data.problem)
        configuration.optimization.loraPlusRatio = adapter.loraPlusRatio ?? 1
        configuration.optimization.dropsAdapters = bottlenecks.adapterDrop
        configuration.adapter = adapter.configuration(method)
        configuration.augmentation = try augmentation.augmentation
        runOptions.set(&configuration, devExamples: data.devCount, isSplit: data.isSplit)
        return configuration
    }

    private func check(_ classifier: SequenceClassifier, _ data: FineTuningData) throws {
        if !classifier.initialized.isEmpty {
            StandardError.note("the model has no pooler; it starts from random numbers")
        }
        if data.hasPairs, !classifier.acceptsPairs {
            throw ValidationError(
                "the data has pairs of texts; the model has one token type and takes single texts: "
                    + "choose one with --text-column, or join them with --text-template.")
        }
    }

    private func tokenized(
        _ data: FineTuningData, _ classifier: SequenceClassifier, _ scratch: FilePath
    ) throws -> FineTuningData.Tokenized {
        let swaps = try augmentation.wordSwaps(model, classifier.tokenizer)
        var examples = try data.tokenized(for: classifier, keepingTokensIn: scratch)
        if examples.cut > 0 {
            StandardError.note(
                "\(examples.cut.counted("text is", "texts are")) longer than \(classifier.maxLength.counted("token")) and cut "
                    + "(--max-length)")
        }
        try augmentation.apply(swaps, to: &examples, classifier, seed: seed, keepingTokensIn: scratch)
        return examples
    }

    private func describe(
        _ data: FineTuningData, _ examples: FineTuningData.Tokenized, _ classifier: SequenceClassifier,
        _ configuration: FineTuning.Configuration
    ) {
        let guess = problemType == nil && data.problem != .singleLabel ? " by the look of the labels" : ""
        let learning = classifier.adapter.map { ", \($0.trainableParameters) parameters learn" } ?? ""
        StandardError.note(
            "\(examples.train.texts.count.counted("training example")), \(data.problem.description(labels: data.labels.count))"
                + "\(guess), method \(method.rawValue)\(learning), "
                + "\(configuration.precision.rawValue) by \(MatrixEngine.current.rawValue), "
                + ThreadPool.shared.threads.counted("thread"))
        let optimization = configuration.optimization
        guard !method.learnsHeadAlone || optimization.headSolver == .steps else { return }
        let rate = optimization.algorithm == .adafactorRelative ? "" : ", learning rate \(configuration.learningRate)"
        StandardError.note(
            "\(configuration.epochs.counted("epoch")), batches of \(configuration.batchSize)\(rate)"
        )
    }

    /// Writes what a run has made: the model, its logs and its report.
    ///
    /// - Parameters:
    ///   - start: of the run, by the monotonic clock.
    ///   - report: is given what it says of the run, and the base model's directory.
    /// - Returns: how many seconds the run took.
    func deliver(
        _ outcome: FineTuning.Outcome, of tuning: FineTuning, to target: FilePath, _ logs: RunLogs,
        since start: Double, write: () throws(CheckpointError) -> Void,
        report: ([RunReport.Fact], FilePath) throws -> FineTuningReport
    ) throws -> Double {
        try logs.deliver(to: target) { () throws(FineTuning.Failure) in try tuning.deliver(write) }
        let seconds = monotonicSeconds() - start
        try report(reports.facts(outcome, seconds: seconds), model.resolve().path).write(to: target)
        return seconds
    }

    func train(
        _ tuning: FineTuning, _ examples: FineTuning.Examples, dev: FineTuning.Examples?,
        _ checkpoints: FineTuning.Checkpoints?, _ logs: RunLogs
    ) throws -> FineTuning.Outcome {
        try logs.following { isInterrupted, report throws(FineTuning.Failure) in
            try tuning.run(
                train: examples, dev: dev, checkpoints: checkpoints, isInterrupted: isInterrupted, report: report)
        }
    }
}
