/// A step along a direction to where the function has fallen enough and is flat enough.
struct LineSearch {
    private let start: LBFGS.Point
    private let direction: [Double]
    private let point: ([Double]) -> LBFGS.Point
    private let startSlope: Double
    private let enough = 1e-4
    private let flat = 0.9
    private var tries = 0

    init(from start: LBFGS.Point, along direction: [Double], _ point: @escaping ([Double]) -> LBFGS.Point) {
        self.start = start
        self.direction = direction
        self.point = point
        startSlope = product(direction, start.gradient)
    }

    private struct Trial {
        let length: Double
        let point: LBFGS.Point
        let slope: Double
    }

    private mutating func trial(_ length: Double) -> Trial {
        tries += 1
        var place = start.place
        add(length, direction, to: &place)
        let point = point(place)
        return Trial(length: length, point: point, slope: product(direction, point.gradient))
    }

    /// Whether the value is too high; one that is not a number is.
    private func isHigh(_ trial: Trial) -> Bool {
        !(trial.point.value <= start.value + enough * trial.length * startSlope)
    }

    /// - Returns: `nil` where no smaller value is found.
    mutating func run(first: Double) -> LBFGS.Point? {
        var low = Trial(length: 0, point: start, slope: startSlope)
        var length = first
        while tries < 30 {
            let next = trial(length)
            if isHigh(next) || (low.length > 0 && next.point.value >= low.point.value) { return zoom(low, next) }
            if abs(next.slope) <= -flat * startSlope { return next.point }
            if next.slope >= 0 { return zoom(next, low) }
            low = next
            length *= 2
        }
        return low.length > 0 ? low.point : nil
    }

    /// Narrows an interval one of whose ends is low and that holds a place as wanted.
    private mutating func zoom(_ low: Trial, _ high: Trial) -> LBFGS.Point? {
        var (low, high) = (low, high)
        while tries < 30 {
            let next = trial(between(low, high))
            if isHigh(next) || next.point.value >= low.point.value {
                high = next
            } else {
                if abs(next.slope) <= -flat * startSlope { return next.point }
                if next.slope * (high.length - low.length) >= 0 { high = low }
                low = next
            }
        }
        return low.length > 0 ? low.point : nil
    }

    /// The lowest place of the parabola through the low end with its slope and the high end, not too near to either.
    private func between(_ low: Trial, _ high: Trial) -> Double {
        let width = high.length - low.length
        let bend = high.point.value - low.point.value - low.slope * width
        let place = -low.slope * width * width / (2 * bend)
        let share = bend > 0 && place.isFinite ? place / width : 0.5
        return low.length + min(max(share, 0.1), 0.9) * width
    }
}

func product(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
}

func add(_ factor: Double, _ a: [Double], to b: inout [Double]) {
    for i in a.indices { b[i] += factor * a[i] }
}
