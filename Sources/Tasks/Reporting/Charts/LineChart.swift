/// Values over steps, rates or thresholds.
package struct LineChart: Equatable, Sendable {
    package struct Point: Equatable, Sendable {
        package let x: Double
        package let y: Double

        package init(x: Double, y: Double) { (self.x, self.y) = (x, y) }
    }

    package struct Series: Equatable, Sendable {
        package enum Style: Equatable, Sendable {
            case line
            /// Behind the others: what is too restless to be read itself.
            case faint
            /// With its points marked.
            case points
        }

        let name: String
        let style: Style
        /// In rising order of `x`.
        let points: [Point]

        package init(name: String, style: Style = .line, points: [Point]) {
            self.name = name
            self.style = style
            self.points = points
        }
    }

    let xTitle: String
    let yTitle: String
    let series: [Series]
    /// A point to be told from the others, and why.
    var mark: Mark?
    var xIsLogarithmic: Bool
    /// What the axes show at least.
    var xRange: ClosedRange<Double>?
    var yRange: ClosedRange<Double>?

    package struct Mark: Equatable, Sendable {
        let point: Point
        let name: String

        package init(_ point: Point, _ name: String) { (self.point, self.name) = (point, name) }
    }

    package init(
        xTitle: String, yTitle: String, series: [Series], mark: Mark? = nil, xIsLogarithmic: Bool = false,
        xRange: ClosedRange<Double>? = nil, yRange: ClosedRange<Double>? = nil
    ) {
        self.xRange = xRange
        self.xTitle = xTitle
        self.yTitle = yTitle
        self.series = series
        self.mark = mark
        self.xIsLogarithmic = xIsLogarithmic
        self.yRange = yRange
    }

    /// The chart with its legend.
    package var html: HTML {
        let drawn = series.map { Series(name: $0.name, style: $0.style, points: Self.thinned($0.points)) }
        let points = drawn.flatMap(\.points)
        guard let first = points.first else { return .empty }
        let xs = points.reduce(xRange ?? first.x...first.x) { min($0.lowerBound, $1.x)...max($0.upperBound, $1.x) }
        // The restless line may leave the frame above; what is to be read decides.
        let readable = drawn.filter { $0.style != .faint }.flatMap(\.points)
        let ys = (readable.isEmpty ? points : readable).map(\.y)
        var range = (ys.min() ?? 0)...(ys.max() ?? 1)
        if let yRange { range = min(range.lowerBound, yRange.lowerBound)...max(range.upperBound, yRange.upperBound) }
        let frame = ChartFrame(
            x: xIsLogarithmic
                ? ChartScale(logarithmic: xs, from: ChartFrame.left, to: ChartFrame.right) : ChartFrame.x(xs),
            y: ChartFrame.y(range), xTitle: xTitle, yTitle: yTitle)
        let lines = zip(drawn, styles).map { line($0, $1, frame) }
        return """
            \(legend)\(frame.svg(description(drawn), hover: hover(drawn, frame), "\(lines)\(markDrawing(frame))"))
            """
    }

    /// The colours of the lines: there are four. A faint line has that of the next, which smooths it.
    private var styles: [String] {
        series.indices.map { index in "s\(series[..<index].count { $0.style != .faint } % 4)" }
    }

    private func line(_ series: Series, _ style: String, _ frame: ChartFrame) -> HTML {
        let path = series.points.map { "\(fixed(frame.x($0.x), 1)),\(fixed(frame.y($0.y), 1))" }
        let faint: HTML = series.style == .faint ? " faint" : ""
        var drawing: HTML = "<polyline class=\"line \(style)\(faint)\" points=\"\(path.joined(separator: " "))\"/>\n"
        if series.style == .points || series.points.count == 1 {
            for point in series.points {
                drawing +=
                    "<circle class=\"dot \(style)\" cx=\"\(frame.x(point.x))\" cy=\"\(frame.y(point.y))\" r=\"3.5\"/>\n"
            }
        }
        return drawing
    }

    private func markDrawing(_ frame: ChartFrame) -> HTML {
        guard let mark else { return .empty }
        let (x, y) = (frame.x(mark.point.x), frame.y(mark.point.y))
        let isRight = x > (ChartFrame.left + ChartFrame.right) / 2
        let anchor: HTML = isRight ? "end" : "start"
        // Above the point, and below it where there is no room.
        let textY = y < ChartFrame.top + 22 ? y + 22 : y - 12
        return """
            <circle class="mark" cx="\(x)" cy="\(y)" r="7"/>\
            <text class="note" x="\(x + (isRight ? 8 : -8))" y="\(textY)" text-anchor="\(anchor)">\(mark.name)</text>

            """
    }

    private var legend: HTML {
        if series.count < 2 { return .empty }
        return ChartLegend(
            entries: zip(series, styles).map { ($0.name, $1 + ($0.style == .faint ? " faint" : "")) }
        ).html
    }

    private func description(_ drawn: [Series]) -> String {
        let parts = drawn.compactMap { series -> String? in
            guard let first = series.points.first, let last = series.points.last else { return nil }
            let values = series.points.map(\.y)
            return "\(series.name) from \(value(first.y)) to \(value(last.y)), lowest \(value(values.min()!)), "
                + "highest \(value(values.max()!))"
        }
        return "\(yTitle) by \(xTitle): \(parts.joined(separator: "; "))"
    }

    /// For every place where there is a point, the values there.
    private func hover(_ drawn: [Series], _ frame: ChartFrame) -> [(place: Double, text: String)] {
        var texts: [Double: [String]] = [:]
        for series in drawn {
            for point in series.points { texts[point.x, default: []].append("\(series.name) \(value(point.y))") }
        }
        return texts.keys.sorted().map { x in
            let place = xIsLogarithmic ? scientific(x) : x == x.rounded() ? "\(Int(x))" : fixed(x, 2)
            return (frame.x(x), "\(xTitle) \(place): \(texts[x]!.joined(separator: ", "))")
        }
    }

    private func value(_ y: Double) -> String { abs(y) < 1e-3 && y > 0 ? scientific(y) : fixed(y, 4) }

    /// At most 300 points: of longer lines the mean of each stretch.
    package static func thinned(_ points: [Point]) -> [Point] {
        let finite = points.filter { $0.x.isFinite && $0.y.isFinite }
        let limit = 300
        guard finite.count > limit else { return finite }
        return (0..<limit).map { index in
            let stretch = finite[index * finite.count / limit..<(index + 1) * finite.count / limit]
            return Point(
                x: stretch[stretch.endIndex - 1].x, y: stretch.reduce(0) { $0 + $1.y } / Double(stretch.count))
        }
    }
}
