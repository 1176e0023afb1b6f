import Tasks

/// Training as the user sees it: a bar while an epoch runs, and a line for each epoch. Where standard error is not a
/// terminal, a line a minute stands for the bar.
struct FineTuningProgress {
    private var bar = ProgressBar()
    private let start = monotonicSeconds()
    private var lastLine = monotonicSeconds()
    /// The moving average of the loss, and the weight of what is in it.
    private var loss = (mean: 0.0, weight: 0.0)
    /// What the dev set said last, and the best of it.
    private var dev = ""
    private var best = ""

    mutating func show(_ event: FineTuning.Event) {
        switch event {
        case .extractingFeatures(let examples):
            StandardError.note("encoding \(examples) texts once")
        case .step(let epoch, let step, let steps, let loss, let rate):
            self.loss = (0.95 * self.loss.mean + 0.05 * loss, 0.95 * self.loss.weight + 0.05)
            let smoothed = "loss \(fixed(self.loss.mean / self.loss.weight, 3))"
            let left = "\(clockTime((monotonicSeconds() - start) / Double(step) * Double(steps - step))) left"
            let speed = "\(fixed(rate, 0)) samples/s"
            bar.draw(
                Double(step) / Double(steps), "epoch \(epoch)", smoothed, left, dev, speed, "step \(step)/\(steps)")
            if !StandardError.isTerminal, monotonicSeconds() - lastLine >= 60 {
                lastLine = monotonicSeconds()
                StandardError.note("epoch \(epoch), step \(step) of \(steps): \(smoothed), \(speed), \(left)")
            }
        case .epoch(let result):
            bar.clear()
            lastLine = monotonicSeconds()
            var text = "epoch \(result.epoch): training loss \(fixed(result.trainingLoss, 4))"
            if let metrics = result.dev {
                let text = MetricsText(metrics)
                if result.isBest { best = text.number }
                dev = "dev \(text.number) \(result.isBest ? "(best)" : "(best \(best))")"
            }
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
