/// Predicted numbers over given ones, with the line where both are equal.
package struct ScatterChart: Equatable, Sendable {
    let given: [Double]
    let predicted: [Double]

    package init(given: [Double], predicted: [Double]) {
        self.given = given
        self.predicted = predicted
    }

    package var svg: HTML {
        let finite = zip(given, predicted).filter { $0.isFinite && $1.isFinite }
        guard let first = finite.first else { return .empty }
        let xs = finite.reduce(first.0...first.0) { min($0.lowerBound, $1.0)...max($0.upperBound, $1.0) }
        let ys = finite.reduce(first.1...first.1) { min($0.lowerBound, $1.1)...max($0.upperBound, $1.1) }
        let frame = ChartFrame(
            x: ChartFrame.x(xs), y: ChartFrame.y(min(xs.lowerBound, ys.lowerBound)...max(xs.upperBound, ys.upperBound)),
            xTitle: "given", yTitle: "predicted")
        // Evenly chosen where there are too many to be told apart.
        let step = max(1, finite.count / 2000)
        let dots = stride(from: 0, to: finite.count, by: step).map { index -> HTML in
            let (x, y) = finite[index]
            return "<circle class=\"spot s0\" cx=\"\(frame.x(x))\" cy=\"\(frame.y(y))\" r=\"2.5\"/>"
        }
        let (low, high) = (frame.x.domain.lowerBound, frame.x.domain.upperBound)
        let diagonal: HTML = """
            <line class="diagonal" x1="\(frame.x(low))" y1="\(frame.y(low))" x2="\(frame.x(high))" y2="\(frame.y(high))"/>

            """
        return frame.svg("Predicted over given numbers of \(finite.count) examples", "\(diagonal)\(dots)\n")
    }
}
