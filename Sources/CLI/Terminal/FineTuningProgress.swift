import Tasks

/// Training as the user sees it: a bar while an epoch runs, and a line for each epoch.
struct FineTuningProgress {
    private var bar = ProgressBar()
    private let start = monotonicSeconds()
    /// The steps that were taken before.
    private var firstStep = 0

    mutating func show(_ event: FineTuning.Event) {
        switch event {
        case .extractingFeatures(let examples):
            StandardError.note("encoding \(examples) texts once")
        case .step(let step):
            let elapsed = monotonicSeconds() - start
            let left = elapsed / Double(max(1, step.step - firstStep)) * Double(step.steps - step.step)
            bar.draw(
                Double(step.step) / Double(step.steps),
                "epoch \(step.epoch)  step \(step.step)/\(step.steps)  loss \(fixed(step.loss, 3))  "
                    + "\(fixed(step.samplesPerSecond, 0)) samples/s  \(clockTime(left)) left")
        case .evaluation(let result):
            bar.clear()
            var text = "epoch \(result.epoch): training loss \(fixed(result.trainingLoss, 4))"
            if let dev = result.dev {
                text += ", dev \(MetricsText(dev).line)\(result.isBest ? " (best)" : "")"
            }
            StandardError.note(text)
        case .resumed(let path, let epoch, let step):
            firstStep = step
            StandardError.note("goes on with \(path): epoch \(epoch), after step \(step)")
        case .checkpoint:
            // Only a failure is worth a line.
            break
        case .checkpointFailed(let error):
            bar.clear()
            StandardError.note("warning: no checkpoint was written, the run goes on: \(error)")
        case .cannotWrite(.bestWeights, let error):
            bar.clear()
            StandardError.note("warning: the best weights stay in memory: \(error)")
        case .cannotWrite(.lastGoodState, let error):
            bar.clear()
            StandardError.note("warning: a run that diverges cannot go back to this step: \(error)")
        case .rolledBack(let rollback):
            bar.clear()
            StandardError.note(
                "the loss is not a number, or exploded, in step \(rollback.divergedAt): back to step "
                    + "\(rollback.step), with \(rollback.learningRateScale) of the learning rate")
        case .stoppedEarly(let last):
            StandardError.note("stopped after epoch \(last.epoch): the dev score no longer improves")
        }
    }

    mutating func end() { bar.clear() }
}
