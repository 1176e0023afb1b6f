import Tasks

/// Training as the user sees it: a bar while an epoch runs, and a line for each epoch.
struct FineTuningProgress {
    private var bar = ProgressBar()
    private let start = monotonicSeconds()

    mutating func show(_ event: FineTuning.Event) {
        switch event {
        case .extractingFeatures(let examples):
            StandardError.note("encoding \(examples) texts once")
        case .step(let step):
            let elapsed = monotonicSeconds() - start
            let left = elapsed / Double(step.step) * Double(step.steps - step.step)
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
        case .stoppedEarly(let last):
            StandardError.note("stopped after epoch \(last.epoch): the dev score no longer improves")
        }
    }

    mutating func end() { bar.clear() }
}
