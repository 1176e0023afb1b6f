import Checkpoints
import Synchronization
import Tasks

/// A fetch as the user sees it: one bar over all files, and a line for what takes time. Any thread may tell of events.
final class FetchProgress: Sendable {
    private struct State {
        var bar = ProgressBar()
        var start: Double?
    }

    private let state = Mutex(State())
    private let showsBar: Bool

    init(showsBar: Bool) { self.showsBar = showsBar }

    func show(_ event: FetchEvent) {
        state.withLock { state in
            switch event {
            case .note(let text):
                state.bar.clear()
                StandardError.note(text)
            case .retrying(let error, let seconds):
                state.bar.clear()
                StandardError.note("trying again in \(fixed(seconds, seconds < 1 ? 1 : 0)) s: \(error)")
            case .transferred(let bytes, let total, let received):
                guard showsBar, total > 0 else { return }
                let start = state.start ?? monotonicSeconds()
                state.start = start
                let rate = Double(received) / max(0.001, monotonicSeconds() - start)
                var text = "\(megabytes(bytes))/\(megabytes(total)) MB"
                if received > 0, rate > 0 {
                    text += "  \(fixed(rate / 1e6, 1)) MB/s  \(clockTime(Double(total - bytes) / rate)) left"
                }
                state.bar.draw(Double(bytes) / Double(total), text)
            }
        }
    }

    func end() { state.withLock { $0.bar.clear() } }

    private func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) / 1e6, 1) }
}
