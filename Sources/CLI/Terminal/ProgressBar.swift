import Tasks

/// One line on standard error that is drawn again and again; nothing where that is not a terminal.
struct ProgressBar {
    private var lastDrawn = 0.0
    private var isVisible = false

    /// Draws at most ten times a second.
    ///
    /// - Parameter fraction: what is done, from 0 to 1.
    mutating func draw(_ fraction: Double, _ text: String) {
        guard StandardError.isTerminal else { return }
        let now = monotonicSeconds()
        guard now - lastDrawn >= 0.1 || fraction >= 1 else { return }
        lastDrawn = now
        isVisible = true
        let width = 24
        let filled = Int(Double(width) * min(1, max(0, fraction)))
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
        StandardError.write("\r\u{1B}[K\(bar) \(text)")
    }

    /// Removes the line, so that something else can be written.
    mutating func clear() {
        if isVisible { StandardError.write("\r\u{1B}[K") }
        isVisible = false
    }
}

/// A number with a fixed number of digits behind the point.
func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let scaled = (abs(value) * scale).rounded()
    let whole = Int(scaled / scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    if digits == 0 { return "\(sign)\(whole)" }
    let fraction = String(Int(scaled - Double(whole) * scale))
    return "\(sign)\(whole)." + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// A small number such as `1.2e-7`.
func scientific(_ value: Double) -> String {
    guard value.isFinite, value > 0 else { return "\(value)" }
    var (mantissa, exponent) = (value, 0)
    while mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    return "\(fixed(mantissa, 1))e\(exponent)"
}

/// A duration such as `1:05`.
func clockTime(_ seconds: Double) -> String {
    let seconds = Int(seconds.rounded())
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60)
    let tail = "\(rest < 10 ? "0" : "")\(rest)"
    return seconds < 3600 ? "\(minutes):\(tail)" : "\(seconds / 3600):\(minutes < 10 ? "0" : "")\(minutes):\(tail)"
}
