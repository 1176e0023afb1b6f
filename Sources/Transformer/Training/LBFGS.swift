/// Minimizes a smooth function of many numbers by its gradients, with what the last steps say of its curvature.
///
/// Source: Nocedal and Wright 2006, "Numerical Optimization", algorithms 7.4 and 7.5; the line search: algorithms 3.5 and
/// 3.6, for the strong Wolfe conditions.
public struct LBFGS: Equatable, Sendable {
    /// The number of steps that are remembered.
    public var history: Int
    public var maxSteps: Int
    /// The largest slope in any direction at which the search ends.
    public var tolerance: Double

    public init(history: Int = 10, maxSteps: Int = 1_000, tolerance: Double = 1e-6) {
        self.history = history
        self.maxSteps = maxSteps
        self.tolerance = tolerance
    }

    /// A place, the function there, and its gradient.
    public struct Point: Equatable, Sendable {
        public var place: [Double]
        public var value: Double
        public var gradient: [Double]

        /// The largest slope in any direction.
        public var slope: Double { gradient.reduce(0) { max($0, abs($1)) } }
    }

    public struct Result: Equatable, Sendable {
        public var minimum: Point
        public var steps: Int
        /// Whether the slope fell below the tolerance, or no smaller value could be told from this one.
        public var converged: Bool
    }

    /// A step and the change of the gradient along it.
    private struct Pair {
        let step, change: [Double]
        let product: Double
    }

    /// - Parameter function: returns its value and its gradient at a place.
    public func minimize(
        from start: [Double], _ function: (_ place: [Double]) -> (value: Double, gradient: [Double])
    ) -> Result {
        withoutActuallyEscaping(function) { function in
            search(from: start) { place in
                let (value, gradient) = function(place)
                return Point(place: place, value: value, gradient: gradient)
            }
        }
    }

    private func search(from start: [Double], _ point: @escaping ([Double]) -> Point) -> Result {
        var current = point(start)
        var pairs: [Pair] = []
        for step in 0..<maxSteps {
            if current.slope <= tolerance { return Result(minimum: current, steps: step, converged: true) }
            var direction = direction(current.gradient, pairs)
            if product(direction, current.gradient) >= 0 {
                pairs = []
                direction = current.gradient.map { -$0 }
            }
            // Before anything is known of the curvature, a step of length one at most.
            let first = pairs.isEmpty ? min(1, 1 / product(direction, direction).squareRoot()) : 1
            var search = LineSearch(from: current, along: direction, point)
            guard let next = search.run(first: first) else {
                if pairs.isEmpty { return Result(minimum: current, steps: step, converged: true) }
                pairs = []
                continue
            }
            let moved = zip(next.place, current.place).map { $0 - $1 }
            let change = zip(next.gradient, current.gradient).map { $0 - $1 }
            let curvature = product(moved, change)
            if curvature > 1e-12 * product(change, change) {
                pairs.append(Pair(step: moved, change: change, product: curvature))
                if pairs.count > history { pairs.removeFirst() }
            }
            current = next
        }
        return Result(minimum: current, steps: maxSteps, converged: current.slope <= tolerance)
    }

    /// The two-loop recursion: the gradient times the inverse curvature, downwards.
    private func direction(_ gradient: [Double], _ pairs: [Pair]) -> [Double] {
        var direction = gradient.map { -$0 }
        var factors: [Double] = []
        for pair in pairs.reversed() {
            let factor = product(pair.step, direction) / pair.product
            factors.append(factor)
            add(-factor, pair.change, to: &direction)
        }
        if let last = pairs.last {
            let scale = last.product / product(last.change, last.change)
            for i in direction.indices { direction[i] *= scale }
        }
        for (pair, factor) in zip(pairs, factors.reversed()) {
            add(factor - product(pair.change, direction) / pair.product, pair.step, to: &direction)
        }
        return direction
    }
}

/// A step along a direction to where the function has fallen enough and is flat enough.
private struct LineSearch {
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

private func product(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
}

private func add(_ factor: Double, _ a: [Double], to b: inout [Double]) {
    for i in a.indices { b[i] += factor * a[i] }
}
