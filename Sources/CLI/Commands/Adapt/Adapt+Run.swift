import ArgumentParser
import Checkpoints
import Embeddings
import Glibc
import JSON
import SystemPackage
import Tasks
import Tensors
import Transformer

extension Adapt {
    func run() throws {
        try reportingFailures {
            let start = monotonicSeconds()
            try threads.apply()
            let configuration = try trainingConfiguration()
            let target = FilePath(output)
            // Made and removed again: what cannot be written must not show only after the training.
            _ = try AtomicDirectory(target)
            let checkpoints = runOptions.checkpoints(beside: target)
            try checkpoints.checkPlace()
            let scratch = target.lexicallyNormalized().removingLastComponent()

            let corpus = try SentenceCorpus(FilePath(train), columns.choice)
            StandardError.note("\(corpus.file): \(corpus.columns.description)")
            let encoder = try TrainableSentenceEncoder(model.resolve(), dropout: dropout)
            try limit(encoder)
            try checkSizes(encoder)
            let training = try SentenceTraining(encoder, configuration, keepingBestIn: scratch)
            var examples = try SentenceExamples(
                corpus, for: objective.objective, objective.selection, teacher: teacher(of: encoder), encoder,
                keepingTokensIn: scratch)
            if corpus.hasLabels, examples.targets == .none, objective.selection == SentenceExamples.Selection() {
                StandardError.note(
                    "the labels are not used: texts side by side count as belonging together (--positive-label, "
                        + "--minimum-score)")
            }
            if let mining = negatives.mining { examples = try withNegatives(examples, mining, encoder) }
            let evaluation = try devSet(encoder, scratch)
            describe(examples, encoder, configuration)

            let logs = try reports.logs(for: target, resumes: runOptions.resume)
            try checkBatches(training, examples)
            let outcome = try logs.following { isInterrupted, report throws(FineTuning.Failure) in
                try training.run(
                    train: examples, dev: evaluation, checkpoints: checkpoints, isInterrupted: isInterrupted,
                    report: report)
            }
            let record = SentenceTrainingRecord(
                configuration, outcome, model: model.model, train: corpus, examples: examples,
                dev: dev.map { FilePath($0) }, chosen: chosen)
            try logs.deliver(to: target) { () throws(FineTuning.Failure) in
                try training.deliver { () throws(CheckpointError) in try record.write(encoder, to: target) }
            }
            try StandardOutput.print(
                line: .object(
                    record.summary(
                        output: target.string, seconds: monotonicSeconds() - start, peakMemoryMB: peakMemoryMB)))
        }
    }

    /// What was said of the examples and of the model, for the record.
    private var chosen: JSONObject {
        var object: JSONObject = [:]
        if let dropout { object["dropout"] = .number(readable(dropout)) }
        if let teacher = objective.teacher { object["teacher"] = .string(teacher) }
        if let label = objective.positiveLabel { object["positive_label"] = .string(label) }
        if let score = objective.minimumScore { object["minimum_score"] = .number(score) }
        if let count = negatives.mineNegatives {
            object["mined_negatives"] = .integer(count)
            object["negative_range"] = .string(negatives.negativeRange ?? "0-100")
            for (key, value) in [
                ("negative_margin", negatives.negativeMargin),
                ("negative_relative_margin", negatives.negativeRelativeMargin),
                ("negative_maximum", negatives.negativeMaximum), ("negative_minimum", negatives.negativeMinimum),
            ] { if let value { object[key] = .number(readable(value)) } }
            if negatives.randomNegatives { object["random_negatives"] = .bool(true) }
        }
        return object
    }

    private func limit(_ encoder: TrainableSentenceEncoder) throws {
        guard let maxLength else { return }
        try checkMaxLength(maxLength, positions: encoder.encoder.maxTokens, encoder.tokenizer)
        encoder.maxLength = maxLength
    }

    private func checkSizes(_ encoder: TrainableSentenceEncoder) throws {
        if let largest = objective.objective.dimensions.max(), largest > encoder.size {
            throw ValidationError(
                "--matryoshka has \(largest); the model's vectors have \(encoder.size.counted("column")).")
        }
        if objective.loss == .simcse, encoder.encoder.architecture.hiddenDropoutProb == 0 {
            throw ValidationError("--loss simcse tells a text's two encodings apart by dropout; give --dropout 0.1.")
        }
    }

    private func checkBatches(_ training: SentenceTraining, _ examples: SentenceExamples) throws {
        let seen = training.examplesInBatches(of: examples)
        if seen == 0 {
            throw ValidationError(
                "no batch can be made of the examples: they need texts that differ, to be told from one another.")
        }
        if seen < examples.count {
            StandardError.note(
                "\(examples.count - seen) of \(examples.count) examples are left out of an epoch: they go with no batch"
            )
        }
    }

    private func teacher(of student: TrainableSentenceEncoder) throws -> SentenceEncoder? {
        guard let name = objective.teacher else { return nil }
        let teacher = try SentenceEncoder(ModelStore().resolve(name))
        if objective.loss == .distill, teacher.size != student.size {
            throw ValidationError(
                "--teacher \(name) makes vectors of \(teacher.size.counted("column")), the model of \(student.size): "
                    + "choose a teacher of the same size, or --loss margin-distill.")
        }
        return teacher
    }

    private func withNegatives(
        _ examples: SentenceExamples, _ mining: HardNegativeMining, _ encoder: TrainableSentenceEncoder
    ) throws -> SentenceExamples {
        guard examples.columns == 2 else {
            throw ValidationError(
                "--mine-negatives is for pairs; the examples have \(examples.columns.counted("text")).")
        }
        guard let found = examples.withNegatives(mining, seed: seed, encoder.embed) else {
            throw ValidationError(
                "--mine-negatives \(mining.count): no pair has so many candidates; allow more with the --negative options."
            )
        }
        if found.count < examples.count {
            StandardError.note(
                (examples.count - found.count).counted(
                    "pair with too few hard negatives is left out", "pairs with too few hard negatives are left out"))
        }
        return found
    }

    private func devSet(_ encoder: TrainableSentenceEncoder, _ scratch: FilePath) throws -> SentenceEvaluation? {
        guard let dev else { return nil }
        let corpus = try devCorpus(FilePath(dev))
        StandardError.note("\(corpus.file): \(corpus.columns.description)")
        let evaluation = try SentenceEvaluation(
            corpus, positive: objective.positiveLabel, keepingTokensIn: scratch, tokens: encoder.tokens)
        if evaluation.cut > 0 {
            StandardError.note(
                "\(corpus.file): \(evaluation.cut.counted("text is", "texts are")) cut (--max-length)")
        }
        return evaluation
    }

    /// The columns have the names of the training data's, or usual ones.
    private func devCorpus(_ file: FilePath) throws -> SentenceCorpus {
        let choice = columns.choice
        do { return try SentenceCorpus(file, choice, for: .development) } catch CorpusError.missingColumn {
            var found = choice
            (found.texts, found.label) = (nil, nil)
            return try SentenceCorpus(file, found, for: .development)
        }
    }

    private func describe(
        _ examples: SentenceExamples, _ encoder: TrainableSentenceEncoder,
        _ configuration: SentenceTraining.Configuration
    ) {
        if examples.dropped > 0 {
            StandardError.note("\(examples.dropped.counted("example is", "examples are")) left out, as was asked for")
        }
        if examples.cut > 0 {
            StandardError.note(
                "\(examples.cut.counted("text is", "texts are")) longer than \(encoder.maxLength.counted("token")) "
                    + "and cut (--max-length)")
        }
        if examples.scoreScale != 1 {
            StandardError.note("the scores are divided by \(examples.scoreScale), their largest, to be cosines")
        }
        StandardError.note(
            "\(examples.count.counted("example")) of \(examples.columns.counted("text")), loss "
                + "\(objective.loss.rawValue), "
                + "\(epochs.counted("epoch")), batches of \(batchSize), learning rate \(learningRate), "
                + "\(configuration.precision.rawValue) by \(MatrixEngine.current.rawValue), "
                + "\(ThreadPool.shared.threads.counted("thread"))"
        )
    }
}
