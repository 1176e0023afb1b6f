import Glibc
import Tasks

/// One line on standard error that is drawn again and again; nothing where that is not a terminal.
struct ProgressBar {
    private var lastDrawn = 0.0
    private var isVisible = false

    /// Draws at most ten times a second.
    ///
    /// - Parameters:
    ///   - fraction: what is done, from 0 to 1.
    ///   - parts: texts beside the bar, the most important first: those that do not fit in the line are left out.
    mutating func draw(_ fraction: Double, _ parts: String...) {
        guard StandardError.isTerminal else { return }
        let now = monotonicSeconds()
        guard now - lastDrawn >= 0.1 || fraction >= 1 else { return }
        lastDrawn = now
        isVisible = true
        StandardError.write("\r\u{1B}[K" + Self.line(fraction, parts, width: Self.terminalWidth))
    }

    /// Removes the line, so that something else can be written.
    mutating func clear() {
        if isVisible { StandardError.write("\r\u{1B}[K") }
        isVisible = false
    }

    /// A line that leaves the last column free, where some terminals would begin a new line.
    private static func line(_ fraction: Double, _ parts: [String], width: Int) -> String {
        let bar = min(24, width / 4)
        var text = ""
        for part in parts.filter({ !$0.isEmpty }) where bar + text.count + part.count + 2 < width {
            text += text.isEmpty ? " \(part)" : "  \(part)"
        }
        let filled = Int(Double(bar) * min(1, max(0, fraction)))
        return String(repeating: "█", count: filled) + String(repeating: "░", count: bar - filled) + text
    }

    /// In columns; 80 where the terminal does not say.
    private static var terminalWidth: Int {
        var size = winsize()
        let status = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size)
        return status == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }
}
