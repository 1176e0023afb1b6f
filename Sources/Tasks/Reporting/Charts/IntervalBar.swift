/// A share with its confidence interval in the line of a table.
package struct IntervalBar: Equatable, Sendable {
    let value: Double
    let interval: ClosedRange<Double>

    package init(value: Double, interval: ClosedRange<Double>) {
        self.value = value
        self.interval = interval
    }

    package var svg: HTML {
        """
        <svg class="interval" viewBox="0 0 104 14" aria-hidden="true">\
        <rect class="track" x="2" y="5" width="100" height="4" rx="2"/>\
        <rect class="whisker" x="\(2 + 100 * interval.lowerBound)" y="5" \
        width="\(100 * (interval.upperBound - interval.lowerBound))" height="4" rx="2"/>\
        <circle class="dot s0" cx="\(2 + 100 * value)" cy="7" r="4"/></svg>
        """
    }
}
