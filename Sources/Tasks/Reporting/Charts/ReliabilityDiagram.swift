/// The share of right answers over the scores they were given with: on the diagonal, scores are probabilities.
package struct ReliabilityDiagram: Equatable, Sendable {
    let raw: Reliability
    /// Where scores are scaled by a temperature: after it.
    let calibrated: Reliability?

    package init(raw: Reliability, calibrated: Reliability?) {
        self.raw = raw
        self.calibrated = calibrated
    }

    package var html: HTML {
        let unit = 0.0...1.0
        let frame = ChartFrame(
            x: ChartFrame.x(unit), y: ChartFrame.y(unit), xTitle: "score", yTitle: "share that is right")
        let diagonal: HTML = """
            <line class="diagonal" x1="\(frame.x(0))" y1="\(frame.y(0))" x2="\(frame.x(1))" y2="\(frame.y(1))"/>

            """
        var drawing = bars(raw, frame)
        drawing += diagonal
        drawing += line(raw, "s1", frame)
        if let calibrated { drawing += line(calibrated, "s0", frame) }
        var entries = [("raw scores", "s1")]
        if calibrated != nil { entries.append(("calibrated", "s0")) }
        let error =
            "expected calibration error \(fixed(raw.expectedCalibrationError, 4))"
            + (calibrated.map { ", calibrated \(fixed($0.expectedCalibrationError, 4))" } ?? "")
        return "\(ChartLegend(entries: entries).html)\(frame.svg("Reliability diagram: \(error)", drawing))"
    }

    /// How many scores fall into each bin, as pale bars.
    private func bars(_ reliability: Reliability, _ frame: ChartFrame) -> HTML {
        let most = Double(reliability.bins.map(\.count).max() ?? 1)
        var drawing = HTML.empty
        for bin in reliability.bins where bin.count > 0 {
            let height = 0.3 * Double(bin.count) / most
            drawing += """
                <g><title>\(bin.count) scores from \(fixed(bin.range.lowerBound, 2)) to \
                \(fixed(bin.range.upperBound, 2))</title><rect class="bar" x="\(frame.x(bin.range.lowerBound) + 1)" \
                y="\(frame.y(height))" width="\(frame.x(bin.range.upperBound) - frame.x(bin.range.lowerBound) - 2)" \
                height="\(frame.y(0) - frame.y(height))"/></g>

                """
        }
        return drawing
    }

    private func line(_ reliability: Reliability, _ style: String, _ frame: ChartFrame) -> HTML {
        let bins = reliability.bins.filter { $0.count > 0 }
        let path = bins.map { "\(fixed(frame.x($0.meanScore), 1)),\(fixed(frame.y($0.shareRight), 1))" }
        let dots = bins.map { bin -> HTML in
            """
            <circle class="dot \(style)" cx="\(frame.x(bin.meanScore))" cy="\(frame.y(bin.shareRight))" r="3.5"><title>\
            mean score \(fixed(bin.meanScore, 3)), right \(fixed(100 * bin.shareRight, 1)) % of \(bin.count)</title>\
            </circle>

            """
        }
        return "<polyline class=\"line \(style)\" points=\"\(path.joined(separator: " "))\"/>\n\(dots)"
    }
}
