import ArgumentParser
import Checkpoints
import JSON
import SystemPackage
import Tasks

/// How settings are looked for.
struct SearchOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Look for the best settings for so many minutes, training with them included: learning rate, epochs, batch "
                + "size and weight decay.",
            valueName: "minutes"))
    var search: Double?

    @Flag(
        help: "Do not train, but try growing learning rates for 100 steps and say which are good, with a plot.")
    var findLearningRate = false

    func validate() throws {
        if let search, !(search > 0 && search <= 100_000) {
            throw ValidationError("--search is \(search); expected a number of minutes above 0.")
        }
        if search != nil, findLearningRate {
            throw ValidationError("--search and --find-learning-rate: choose one of them.")
        }
    }

    // MARK: Learning rates

    /// Tests learning rates, and writes the plot and a line of results.
    func findLearningRate(
        _ fineTuning: FineTuning, train: FineTuning.Examples, output: FilePath, model: String,
        report: (FineTuning.Event) -> Void
    ) throws {
        let range = try fineTuning.findLearningRate(train: train, report: report)
        let directory = try AtomicDirectory(output)
        try AtomicFile.write(
            Array(range.html(title: model).utf8), to: directory.temporary.appending("learning-rates.html"))
        try directory.commit()
        let record: JSON = .object([
            "output": .string(output.string), "valley": range.valley.map { .number($0) } ?? .null,
            "steepest": range.steepest.map { .number($0) } ?? .null, "steps": .integer(range.points.count),
        ])
        try StandardOutput.print(String(decoding: record.serialized(), as: UTF8.self))
    }

    // MARK: Settings

    /// Searches for settings around the given ones, with a line for each trial.
    ///
    /// - Parameter makeClassifier: makes a classifier that has learned nothing yet.
    func search(
        around base: FineTuning.Configuration, minutes: Double, train: FineTuning.Examples, dev: FineTuning.Examples,
        scratch: FilePath, log: SearchLog, makeClassifier: () throws -> SequenceClassifier
    ) throws -> FineTuning.Configuration {
        _ = try Signals.catchInterruption()
        var bar = ProgressBar()
        let result = try HyperparameterSearch(
            SearchSpace(around: base), examples: train.texts.count, seconds: minutes * 60
        ).run(clock: monotonicSeconds) { configuration, share in
            do {
                return try FineTuning(makeClassifier(), configuration, keepingBestIn: scratch).run(
                    train: train.part(share, seed: base.seed), dev: dev, isInterrupted: { Signals.isInterrupted }
                ) { event in
                    if case .step(let step) = event {
                        bar.draw(
                            Double(step.step) / Double(step.steps), "trial \(log.count + 1)",
                            "learning rate \(configuration.learningRate)", "loss \(fixed(step.loss, 3))")
                    }
                }.keptEvaluation.dev
            } catch let error as FineTuning.Failure {
                guard case .diverged = error else { throw error }
                bar.clear()
                StandardError.note("learning rate \(configuration.learningRate): \(error)")
                return nil
            }
        } report: { trial in
            bar.clear()
            try log.append(trial)
        }
        StandardError.write(log.table)
        if let only = result.trials.first, result.trials.count == 1 {
            StandardError.note(
                "there was time for no other settings than those given, which took \(fixed(only.seconds, 0)) seconds; "
                    + "a search needs several times as long")
        }
        StandardError.note("chosen: \(SearchLog.text(result.chosen))")
        return result.chosen
    }
}
