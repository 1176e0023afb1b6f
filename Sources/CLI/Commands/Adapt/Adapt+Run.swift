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
            _ = try precision.resolve()
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
            let examples = try SentenceExamples(
                corpus, for: objective.objective, objective.selection, teacher: teacher(of: encoder), encoder,
                keepingTokensIn: scratch)
            let evaluation = try devSet(encoder, scratch)
            describe(examples, encoder)

            let logs = try reports.logs(for: target, resumes: runOptions.resume)
            let training = SentenceTraining(encoder, trainingConfiguration, keepingBestIn: scratch)
            let outcome = try train(training, examples, evaluation, checkpoints, logs)
            let record = SentenceTrainingRecord(
                trainingConfiguration, outcome, model: model.model, train: corpus, examples: examples,
                dev: dev.map { FilePath($0) })
            try logs.keptWithCheckpoint { () throws(FineTuning.Failure) in
                try training.deliver { () throws(CheckpointError) in
                    try record.write(encoder, to: target)
                }
            }
            try logs.move(to: target)
            if let failure = logs.failure { StandardError.note("the logs are not complete: \(failure)") }
            try StandardOutput.print(
                line: .object(
                    record.summary(
                        output: target.string, seconds: monotonicSeconds() - start, peakMemoryMB: peakMemoryMB)))
        }
    }

    private func limit(_ encoder: TrainableSentenceEncoder) throws {
        guard let maxLength else { return }
        try checkMaxLength(maxLength, positions: encoder.encoder.maxTokens, encoder.tokenizer)
        encoder.maxLength = maxLength
    }

    private func checkSizes(_ encoder: TrainableSentenceEncoder) throws {
        if let largest = objective.objective.dimensions.max(), largest > encoder.size {
            throw ValidationError("--matryoshka has \(largest); the model's vectors have \(encoder.size) columns.")
        }
    }

    private func teacher(of student: TrainableSentenceEncoder) throws -> SentenceEncoder? {
        guard let name = objective.teacher else { return nil }
        let teacher = try SentenceEncoder(ModelStore().resolve(name))
        if objective.loss == .distill, teacher.size != student.size {
            throw ValidationError(
                "--teacher \(name) makes vectors of \(teacher.size) columns, the model of \(student.size): "
                    + "choose a teacher of the same size, or --loss margin-distill.")
        }
        return teacher
    }

    private func devSet(_ encoder: TrainableSentenceEncoder, _ scratch: FilePath) throws -> SentenceEvaluation? {
        guard let dev else { return nil }
        let corpus = try SentenceCorpus(FilePath(dev), for: .development)
        StandardError.note("\(corpus.file): \(corpus.columns.description)")
        return try SentenceEvaluation(
            corpus, positive: objective.positiveLabel, keepingTokensIn: scratch, ids: encoder.idsSeeingCut)
    }

    private func describe(_ examples: SentenceExamples, _ encoder: TrainableSentenceEncoder) {
        if examples.dropped > 0 { StandardError.note("\(examples.dropped) examples are left out, as was asked for") }
        if examples.cut > 0 {
            StandardError.note(
                "\(examples.cut) texts are longer than \(encoder.maxLength) tokens and are cut (--max-length)")
        }
        if examples.scoreScale != 1 {
            StandardError.note("the scores are divided by \(examples.scoreScale), their largest, to be cosines")
        }
        StandardError.note(
            "\(examples.count) examples of \(examples.columns) texts, loss \(objective.loss.rawValue), "
                + "\(epochs) epoch\(epochs == 1 ? "" : "s"), batches of \(batchSize), learning rate \(learningRate), "
                + "\(MatrixEngine.current.rawValue), \(ThreadPool.shared.threads) threads")
    }

    private func train(
        _ training: SentenceTraining, _ examples: SentenceExamples, _ dev: SentenceEvaluation?,
        _ checkpoints: FineTuning.Checkpoints, _ logs: RunLogs
    ) throws -> FineTuning.Outcome {
        var progress = FineTuningProgress()
        defer { progress.end() }
        _ = try Signals.catchInterruption(SIGINT, SIGTERM)
        return try logs.keptWithCheckpoint { () throws(FineTuning.Failure) in
            try training.run(
                train: examples, dev: dev, checkpoints: checkpoints, isInterrupted: { Signals.isInterrupted }
            ) { event in
                logs.record(event)
                progress.show(event)
            }
        }
    }
}
