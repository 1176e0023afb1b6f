import JSON

/// The axes that charts share, drawn as SVG.
struct ChartFrame {
    static let width = 440.0
    static let height = 250.0

    let x: ChartScale
    let y: ChartScale
    let xTitle: String
    let yTitle: String

    /// Where the drawing lies inside the axes and their texts.
    static let left = 52.0
    static let right = width - 14
    static let top = 14.0
    static let bottom = height - 42

    static func x(_ values: ClosedRange<Double>) -> ChartScale { ChartScale(values, from: left, to: right) }
    static func y(_ values: ClosedRange<Double>) -> ChartScale { ChartScale(values, from: bottom, to: top) }

    /// - Parameters:
    ///   - description: what a reader who does not see the drawing is told.
    ///   - hover: for places on the x axis, in rising order, what to show there.
    func svg(_ description: String, hover: [(place: Double, text: String)] = [], _ content: HTML) -> HTML {
        let data: HTML =
            hover.isEmpty ? .empty : " data-hover=\"\(Self.json(hover))\" tabindex=\"0\""
        let cursor: HTML =
            hover.isEmpty
            ? .empty
            : """
            <line class="cursor" x1="0" x2="0" y1="\(Self.top)" y2="\(Self.bottom)"/>
            """
        return """
            <svg viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" role="img" aria-label="\(description)"\(data)>
            \(grid)\(content)\(cursor)</svg>
            """
    }

    private var grid: HTML {
        let (left, right, top, bottom) = (Self.left, Self.right, Self.top, Self.bottom)
        let rows = y.ticks.map { tick -> HTML in
            """
            <line class="grid" x1="\(left)" x2="\(right)" y1="\(y(tick))" y2="\(y(tick))"/>\
            <text class="tick" x="\(left - 6)" y="\(y(tick) + 4)" text-anchor="end">\(y.label(tick))</text>

            """
        }
        let columns = x.ticks.map { tick -> HTML in
            """
            <text class="tick" x="\(x(tick))" y="\(bottom + 17)" text-anchor="middle">\(x.label(tick))</text>

            """
        }
        return """
            \(rows)\(columns)<line class="axis" x1="\(left)" x2="\(right)" y1="\(bottom)" y2="\(bottom)"/>
            <text class="name" x="\((left + right) / 2)" y="\(bottom + 36)" text-anchor="middle">\(xTitle)</text>
            <text class="name" transform="translate(13 \((top + bottom) / 2)) rotate(-90)" text-anchor="middle">\
            \(yTitle)</text>

            """
    }

    /// `[[place,"text"],…]`
    private static func json(_ hover: [(place: Double, text: String)]) -> String {
        let points = hover.map { point in
            "[\(fixed(point.place, 1)),\(String(decoding: JSON.string(point.text).serialized(), as: UTF8.self))]"
        }
        return "[\(points.joined(separator: ","))]"
    }
}

/// The names of a chart's lines beside their colours.
struct ChartLegend {
    /// With the class of the style sheet that gives the colour.
    let entries: [(name: String, style: String)]

    var html: HTML {
        let items = entries.map { entry -> HTML in "<li><i class=\"\(entry.style)\"></i>\(entry.name)</li>" }
        return "<ul class=\"legend\">\(items)</ul>\n"
    }
}
