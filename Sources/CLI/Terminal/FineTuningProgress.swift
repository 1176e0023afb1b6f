import Tasks

/// Training as the user sees it: a bar while an epoch runs, and a line for each epoch.
struct FineTuningProgress {
    private var bar = ProgressBar()
    private let start = monotonicSeconds()

    mutating func show(_ event: FineTuning.Event) {
        switch event {
        case .extractingFeatures(let examples):
            StandardError.note("encoding \(examples) texts once")
        case .step(let epoch, let step, let steps, let loss, let rate):
            let elapsed = monotonicSeconds() - start
            let left = elapsed / Double(step) * Double(steps - step)
            bar.draw(
                Double(step) / Double(steps),
                "epoch \(epoch)  step \(step)/\(steps)  loss \(fixed(loss, 3))  \(fixed(rate, 0)) samples/s  "
                    + "\(clockTime(left)) left")
        case .epoch(let result):
            bar.clear()
            var text = "epoch \(result.epoch): training loss \(fixed(result.trainingLoss, 4))"
            if let dev = result.dev {
                text += ", dev \(MetricsText(dev).line)\(result.isBest ? " (best)" : "")"
            }
            StandardError.note(text)
        case .stoppedEarly(let epoch):
            StandardError.note("stopped after epoch \(epoch): the dev score no longer improves")
        }
    }

    mutating func end() { bar.clear() }
}
