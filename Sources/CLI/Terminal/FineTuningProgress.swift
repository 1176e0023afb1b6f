import Checkpoints
import Tasks

/// Training as the user sees it: a bar while steps are taken, and a line for each evaluation. Where standard error is not
/// a terminal, a line a minute stands for the bar.
struct FineTuningProgress {
    private var bar = ProgressBar()
    private let start = monotonicSeconds()
    /// The steps that were taken before.
    private var firstStep = 0
    private var lastLine = monotonicSeconds()
    /// The moving average of the loss, and the weight of what is in it.
    private var loss = (mean: 0.0, weight: 0.0)
    /// What the dev set said last, and the best of it.
    private var dev = ""
    private var best = ""

    /// Trains, and shows how far it is; Ctrl-C ends the training after a step.
    static func following<Result>(
        _ training: (
            _ isInterrupted: @escaping () -> Bool, _ report: @escaping (FineTuning.Event) -> Void
        ) throws(FineTuning.Failure) -> Result
    ) throws -> Result {
        var progress = FineTuningProgress()
        defer { progress.end() }
        _ = try Signals.catchInterruption()
        return try training({ Signals.isInterrupted }, { progress.show($0) })
    }

    mutating func show(_ event: FineTuning.Event) {
        switch event {
        case .extractingFeatures(let examples): StandardError.note("encoding \(examples.counted("text")) once")
        case .step(let step): show(step)
        case .evaluation(let evaluation): show(evaluation)
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
        case .warmupExceedsRun(let warmup, let steps):
            StandardError.note(
                "warning: --warmup is \(warmup.counted("step")) and the run has \(steps): the learning rate rises to the "
                    + "end and does not fall. Give fewer steps, or a share such as 0.1")
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

    private mutating func show(_ step: FineTuning.Step) {
        loss = (0.95 * loss.mean + 0.05 * step.loss, 0.95 * loss.weight + 0.05)
        let smoothed = "loss \(fixed(loss.mean / loss.weight, 3))"
        let done = Double(step.step) / Double(step.steps)
        let perStep = (monotonicSeconds() - start) / Double(max(1, step.step - firstStep))
        let left = "\(clockTime(perStep * Double(step.steps - step.step))) left"
        let speed = "\(fixed(step.samplesPerSecond, 0)) samples/s"
        bar.draw(done, "epoch \(step.epoch)", smoothed, left, dev, speed, "step \(step.step)/\(step.steps)")
        if !StandardError.isTerminal, monotonicSeconds() - lastLine >= 60 {
            lastLine = monotonicSeconds()
            StandardError.note(
                "epoch \(step.epoch), step \(step.step) of \(step.steps): \(smoothed), \(speed), \(left)")
        }
    }

    private mutating func show(_ evaluation: FineTuning.Evaluation) {
        bar.clear()
        lastLine = monotonicSeconds()
        var line = "epoch \(evaluation.epoch): training loss \(fixed(evaluation.trainingLoss, 4))"
        if let metrics = evaluation.dev {
            let text = MetricsText(metrics)
            if evaluation.isBest { best = text.number }
            dev = "dev \(text.number) \(evaluation.isBest ? "(best)" : "(best \(best))")"
            line += ", dev \(text.line)\(evaluation.isBest ? " (best)" : "")"
        }
        StandardError.note(line)
    }
}
