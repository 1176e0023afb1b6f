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
