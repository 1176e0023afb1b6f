import Glibc

/// A learning-rate range test: a few steps with a rate that grows from far too small to far too large, and what the loss
/// says of the rates between.
///
/// Source: Smith 2017, "Cyclical Learning Rates for Training Neural Networks", §3.3; growth, smoothing, end and
/// suggestions as in fastai's `lr_find` (100 steps from 1e-7 to 10, end at four times the best loss).
public struct LearningRateRange: Equatable, Sendable {
    public struct Point: Equatable, Sendable {
        public let learningRate: Double
        /// Smoothed: the mean of the losses so far, the last weighing most.
        public let loss: Double
    }

    public static let steps = 100

    public private(set) var points: [Point] = []
    private var mean = 0.0
    private var best = Double.infinity

    public init() {}

    /// The rate of a step, from 0.
    public static func learningRate(at step: Int) -> Double { 1e-7 * pow(1e8, Double(step) / Double(steps)) }

    /// Adds the loss of the next step.
    ///
    /// - Returns: whether there is another step.
    public mutating func add(loss: Double) -> Bool {
        let keep = 0.98
        mean = keep * mean + (1 - keep) * loss
        let smoothed = mean / (1 - pow(keep, Double(points.count + 1)))
        guard smoothed.isFinite else { return false }
        points.append(Point(learningRate: Self.learningRate(at: points.count), loss: smoothed))
        best = min(best, smoothed)
        return smoothed <= 4 * best && points.count < Self.steps
    }

    /// What is looked at: without the first tenth, which are noise, and the last five, where the loss explodes.
    private var usable: ArraySlice<Point> { points.dropFirst(Self.steps / 10).dropLast(5) }

    /// A rate in the longest descent of the loss, a third of the way down and half of the next: safe and fast.
    public var valley: Double? {
        let losses = usable.map(\.loss)
        guard losses.count > 1 else { return nil }
        // The longest sequence of falling losses, not of neighbours alone, that ends at each place.
        var lengths = [Int](repeating: 1, count: losses.count)
        var (start, end) = (0, 0)
        for place in 1..<losses.count {
            for earlier in 0..<place where losses[place] < losses[earlier] {
                lengths[place] = max(lengths[place], lengths[earlier] + 1)
            }
            if lengths[place] > lengths[end] { (start, end) = (place - lengths[place], place) }
        }
        let third = (end - start) / 3
        return usable[usable.startIndex + max(0, start) + third + third / 2].learningRate
    }

    /// The rate where the loss falls fastest on the way to its lowest point.
    public var steepest: Double? {
        guard let lowest = usable.indices.min(by: { usable[$0].loss < usable[$1].loss }) else { return nil }
        let points = Array(usable[...lowest])
        guard points.count > 1 else { return nil }
        let slopes = zip(points, points.dropFirst()).map { a, b in
            (b.loss - a.loss) / (log(b.learningRate) - log(a.learningRate))
        }
        return points[slopes.indices.min { slopes[$0] < slopes[$1] }!].learningRate
    }

    /// The points before the explosion, beside which nothing else could be seen.
    private var shown: [Point] {
        guard let first = points.first else { return [] }
        let lowest = points.map(\.loss).min() ?? first.loss
        let limit = first.loss + max(first.loss - lowest, 0.1 * abs(first.loss))
        let fall = points.firstIndex { $0.loss == lowest } ?? 0
        let end = points[fall...].firstIndex { $0.loss > limit } ?? points.count
        return Array(points[..<end])
    }

    /// The curve with the suggestions, a document of its own.
    public func html(title: String) -> String {
        var chart = LineChart(
            xTitle: "learning rate", yTitle: "loss, smoothed",
            series: [
                LineChart.Series(name: "loss", points: shown.map { LineChart.Point(x: $0.learningRate, y: $0.loss) })
            ], xIsLogarithmic: true)
        if let valley, let point = points.first(where: { $0.learningRate == valley }) {
            chart.mark = LineChart.Mark(LineChart.Point(x: valley, y: point.loss), "valley \(scientific(valley))")
        }
        let facts: HTML = """
            <dl>
            <dt>valley</dt><dd>\(valley.map(scientific) ?? "unknown")</dd>
            <dt>steepest</dt><dd>\(steepest.map(scientific) ?? "unknown")</dd>
            <dt>steps</dt><dd>\(points.count)</dd>
            </dl>

            """
        return HTMLPage(
            title: "\(title): learning rates",
            body: """
                <header>
                <h1>Learning rates for \(title)</h1>
                </header>
                <section>
                <figure>
                <figcaption>Loss while the learning rate grows</figcaption>
                \(chart.html)
                </figure>
                \(facts)</section>

                """
        ).html
    }
}
