import FoundationEssentials
import Tasks
import Testing

/// What a parser of XML makes of markup: the names of its elements, or where they do not nest.
private func elements(_ markup: String) -> [String]? {
    var open: [String] = []
    var names: [String] = []
    var rest = Substring(markup)
    while let start = rest.firstIndex(of: "<") {
        guard let end = rest[start...].firstIndex(of: ">") else { return nil }
        let tag = rest[rest.index(after: start)..<end]
        rest = rest[rest.index(after: end)...]
        let name = String(tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber })
        if tag.first == "/" {
            guard open.popLast() == name else { return nil }
        } else {
            names.append(name)
            if tag.last != "/", name != "br" { open.append(name) }
        }
    }
    return open.isEmpty ? names : nil
}

private let hostile = "</title><script>alert('x')</script>\"&\u{1}"

@Suite("HTML")
struct HTMLTests {
    @Test("what is interpolated shows as text; markup nests as it is")
    func escaping() {
        let inner: HTML = "<b>\(hostile)</b>"
        let outer: HTML = "<p class=\"\("a\"b")\">\(inner)\(3)\(1.239)</p>"
        #expect(
            outer.text
                == "<p class=\"a&quot;b\"><b>&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;␁"
                + "</b>31.24</p>")
    }
}

@Suite("ChartScale")
struct ChartScaleTests {
    @Test(
        "marks are round and enclose the values",
        arguments: [(0.0, 1.0), (0.31, 0.74), (3, 3), (0, 0), (-5, 12_000), (1e-7, 5e-5), (1, 1_000_000)])
    func marks(low: Double, high: Double) {
        let scale = ChartScale(low...high, from: 50, to: 400)
        #expect(scale.domain.lowerBound <= low && scale.domain.upperBound >= high)
        #expect((3...13).contains(scale.ticks.count), "\(scale.ticks)")
        #expect(scale(scale.domain.lowerBound) == 50 && scale(scale.domain.upperBound) == 400)
        #expect(Set(scale.ticks.map(scale.label)).count == scale.ticks.count, "\(scale.ticks.map(scale.label))")
    }

    @Test("of a logarithmic axis powers of ten are marked")
    func logarithmic() {
        let scale = ChartScale(logarithmic: 1e-7...10, from: 0, to: 80)
        #expect(scale.ticks.map(scale.label) == ["1e-7", "1e-6", "1e-5", "1e-4", "1e-3", "1e-2", "1e-1", "1e0", "1e1"])
        #expect(abs(scale(1e-3) - 40) < 1e-9)
    }
}

@Suite("Charts")
struct ChartTests {
    private func line(_ name: String, _ count: Int) -> LineChart.Series {
        LineChart.Series(name: name, points: (1...count).map { LineChart.Point(x: Double($0), y: 1 / Double($0)) })
    }

    @Test("every chart is well-formed, the same each time, and shows hostile names as text")
    func structure() throws {
        let reliability = Reliability(scores: [0.1, 0.9, 0.95], isRight: [false, true, false])
        let charts: [(HTML, [String: Int])] = [
            (
                LineChart(
                    xTitle: hostile, yTitle: "loss", series: [line(hostile, 5), line("b", 3)],
                    mark: LineChart.Mark(LineChart.Point(x: 3, y: 0.3), hostile)
                ).html, ["svg": 1, "polyline": 2, "ul": 1, "li": 2]
            ),
            (
                ConfusionMatrixChart(labels: [hostile, "b"], counts: [[5, 1], [0, 7]]).svg,
                ["svg": 1, "g": 4, "rect": 8, "title": 4]
            ),
            (ScatterChart(given: [1, 2, 3], predicted: [1, .nan, 2]).svg, ["svg": 1, "circle": 2]),
            (
                ReliabilityDiagram(raw: reliability, calibrated: reliability).html,
                ["svg": 1, "polyline": 2, "circle": 6, "rect": 3]
            ),
            (IntervalBar(value: 0.5, interval: 0.25...0.75).svg, ["svg": 1, "rect": 2, "circle": 1]),
        ]
        for (chart, expected) in charts {
            let names = try #require(elements(chart.text), "\(chart.text)")
            for (name, count) in expected { #expect(names.count { $0 == name } == count, "\(name) in \(chart.text)") }
            #expect(!names.contains("script") && !chart.text.contains("\u{1}") && !chart.text.contains("nan"))
        }
        #expect(
            LineChart(xTitle: "x", yTitle: "y", series: [line("a", 9)]).html
                == LineChart(xTitle: "x", yTitle: "y", series: [line("a", 9)]).html)
    }

    @Test("a long line is drawn by the means of its stretches; what is no number is left out")
    func thinning() {
        let points = (0..<3000).map { LineChart.Point(x: Double($0), y: $0 % 2 == 0 ? 0 : 1) }
        let thinned = LineChart.thinned(points)
        #expect(thinned.count == 300 && thinned.allSatisfy { $0.y == 0.5 })
        #expect(thinned.last?.x == 2999)
        #expect(LineChart.thinned([LineChart.Point(x: 1, y: .nan), LineChart.Point(x: 2, y: 3)]).count == 1)
    }

    @Test("the values at a place are those of all lines there")
    func hover() {
        let text = LineChart(xTitle: "step", yTitle: "loss", series: [line("a", 3), line("b", 2)]).html.text
        #expect(text.contains("&quot;step 2: a 0.5000, b 0.5000&quot;"), "\(text)")
        #expect(text.contains("&quot;step 3: a 0.3333&quot;"))
    }

    @Test("of many labels only cells with examples are drawn, without numbers")
    func manyLabels() throws {
        let labels = (0..<30).map { "label \($0)" }
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 30), count: 30)
        for index in 0..<30 { counts[index][index] = 3 }
        let text = ConfusionMatrixChart(labels: labels, counts: counts).svg.text
        #expect(try #require(elements(text)).count { $0 == "g" } == 30)
        #expect(!text.contains("class=\"count"))
    }
}
