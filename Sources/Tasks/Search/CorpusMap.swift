public import Embeddings
import JSON

/// A corpus as a picture: a page for a browser with a point for every text, near ones together.
public struct CorpusMap {
    public struct Point: Sendable {
        public let place: NeighbourLayout.Point
        public let text: String
        /// Its place in `labels`.
        public let label: Int

        public init(place: NeighbourLayout.Point, text: String, label: Int) {
            (self.place, self.text, self.label) = (place, text, label)
        }
    }

    private let title: String
    private let points: [Point]
    private let labels: [String]

    /// Longer texts are cut.
    private static let textLimit = 400

    /// - Parameter labels: what the colours stand for.
    public init(title: String, points: [Point], labels: [String]) {
        (self.title, self.points, self.labels) = (title, points, labels)
    }

    /// The whole page, which loads nothing from elsewhere.
    public var html: String {
        let body: HTML = """
            <h1>\(title)</h1>
            <p class="sub"><b>\(points.count)</b> texts; near texts say similar things, distances between groups mean \
            little. Drag to move, turn the wheel to come nearer, point at a text to read it.</p>
            <div class="controls"><input id="find" type="search" placeholder="Find in the texts" aria-label="Find in the texts">
            <output id="count"></output><button id="whole" type="button">Show all</button></div>
            <div class="map"><canvas id="map" tabindex="0" role="img" aria-label="Map of \(points.count) texts" \
            data-points="\(data)"></canvas><div id="tip" class="tip" role="status" hidden></div></div>
            <ul id="legend" class="legend keys">\(legend)</ul>

            """
        return HTMLPage(title: title, body: body, style: Self.style, script: Self.script).html
    }

    private var legend: [HTML] {
        labels.enumerated().map { index, label in
            "<li><button type=\"button\" data-label=\"\(index)\" aria-pressed=\"false\"><i></i>\(label)</button></li>"
        }
    }

    /// `{"x":[...],"y":[...],"label":[...],"text":[...]}`, places from 0 to 1.
    private var data: String {
        let (xs, ys) = (points.map(\.place.x), points.map(\.place.y))
        let left = xs.min() ?? 0
        let top = ys.min() ?? 0
        let size = max((xs.max() ?? 0) - left, (ys.max() ?? 0) - top, 1e-9)
        func places(_ values: [Float], _ first: Float) -> JSON {
            .array(values.map { .number(Double((($0 - first) / size * 10_000).rounded()) / 10_000) })
        }
        let object: JSONObject = [
            "x": places(xs, left), "y": places(ys, top), "label": .array(points.map { .integer($0.label) }),
            "text": .array(points.map { .string(Self.cut($0.text)) }),
        ]
        return String(decoding: JSON.object(object).serialized(), as: UTF8.self)
    }

    private static func cut(_ text: String) -> String {
        text.count > textLimit ? text.prefix(textLimit) + "…" : text
    }
}
