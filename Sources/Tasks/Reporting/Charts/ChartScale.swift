import Glibc

/// An axis: leads from values to places, and chooses round values to mark.
package struct ChartScale: Equatable, Sendable {
    /// What the axis shows, from mark to mark.
    package let domain: ClosedRange<Double>
    /// The values that are marked, from low to high.
    package let ticks: [Double]
    private let isLogarithmic: Bool
    private let start: Double
    private let end: Double

    /// - Parameters:
    ///   - values: the axis reaches at least from the first to the last.
    ///   - start: the place of the lowest value; `end` that of the highest, which may lie before it.
    ///   - count: about how many values are marked.
    package init(_ values: ClosedRange<Double>, from start: Double, to end: Double, ticks count: Int = 5) {
        self.start = start
        self.end = end
        isLogarithmic = false
        var (low, high) = (values.lowerBound, values.upperBound)
        if high - low <= abs(high) * 1e-9 {
            let margin = high == 0 ? 1 : abs(high) / 2
            (low, high) = (low - margin, high + margin)
        }
        let step = Self.roundStep((high - low) / Double(max(1, count)))
        let (first, last) = ((low / step).rounded(.down), (high / step).rounded(.up))
        ticks = (0...Int(last - first)).map { (first + Double($0)) * step }
        domain = ticks[0]...ticks[ticks.count - 1]
    }

    /// The same for values above 0, with powers of ten marked.
    package init(logarithmic values: ClosedRange<Double>, from start: Double, to end: Double) {
        self.start = start
        self.end = end
        isLogarithmic = true
        let first = log10(max(values.lowerBound, 1e-300)).rounded(.down)
        let last = max(first + 1, log10(max(values.upperBound, 1e-300)).rounded(.up))
        ticks = stride(from: first, through: last, by: max(1, ((last - first) / 8).rounded(.up))).map { pow(10, $0) }
        domain = pow(10, first)...pow(10, last)
    }

    package func callAsFunction(_ value: Double) -> Double {
        let (low, high) = (domain.lowerBound, domain.upperBound)
        let share =
            isLogarithmic
            ? (log10(max(value, low)) - log10(low)) / (log10(high) - log10(low)) : (value - low) / (high - low)
        return start + min(1, max(0, share)) * (end - start)
    }

    /// The text of a mark: as many digits as tell it from its neighbours.
    package func label(_ tick: Double) -> String {
        if isLogarithmic { return "1e\(Int(log10(tick).rounded()))" }
        let step = ticks[1] - ticks[0]
        if step >= 1_000_000 {
            return "\(fixed(tick / 1_000_000, step.remainder(dividingBy: 1_000_000) == 0 ? 0 : 1))M"
        }
        if step >= 1_000 { return "\(fixed(tick / 1_000, step.remainder(dividingBy: 1_000) == 0 ? 0 : 1))k" }
        if domain.upperBound < 5.1e-2 { return tick == 0 ? "0" : scientific(tick).replacing(".0e", with: "e") }
        return fixed(tick, max(0, Int((-log10(step) - 1e-9).rounded(.up))))
    }

    /// 1, 2 or 5 times a power of ten, at least as much as asked for.
    private static func roundStep(_ step: Double) -> Double {
        let power = pow(10, log10(step).rounded(.down))
        let factor = [1, 2, 5].first { $0 * power >= step * (1 - 1e-9) } ?? 10
        return factor * power
    }
}
