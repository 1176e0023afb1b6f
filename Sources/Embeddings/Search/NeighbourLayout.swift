import Glibc
public import Tensors

/// Vectors as points of a plane: those that are near to one another stay together.
///
/// Each vector is tied to its nearest neighbours, the more the nearer they are; ties draw points together, and pairs
/// drawn at random push each other away. It begins with the two principal components. The same vectors and seed give the
/// same picture.
///
/// Source: McInnes, Healy and Melville 2018, "UMAP: Uniform Manifold Approximation and Projection for Dimension Reduction",
/// algorithms 1 to 5.
public struct NeighbourLayout: Sendable {
    public struct Point: Equatable, Sendable {
        public var x: Float
        public var y: Float
    }

    public private(set) var points: [Point]
    private let ties: [Tie]

    private struct Tie {
        let from: Int32
        let to: Int32
        let weight: Float
    }

    private static let negatives = 5
    /// The curve `1 / (1 + a·d²ᵇ)` that fits a least distance of 0.1.
    private static let (a, b) = (Float(1.577), Float(0.8951))

    /// - Parameters:
    ///   - vectors: of length 1, `[vectors, size]`.
    ///   - neighbours: of each vector.
    ///   - progress: is told the share that is done.
    public init(
        _ vectors: Tensor, neighbours: Int = 15, rounds: Int = 300, seed: UInt64 = 1,
        progress: (Double) -> Void = { _ in }
    ) {
        let places = PrincipalComponents(vectors, count: 2, seed: seed).project(vectors)
        let largest = places.joined().reduce(0) { max($0, abs($1)) }
        points = places.map { place in
            let scale = 10 / max(largest, 1e-20)
            return Point(x: place[0] * scale, y: (place.count > 1 ? place[1] : 0) * scale)
        }
        ties = vectors.rows > 2 ? Self.ties(vectors, min(neighbours, vectors.rows - 1)) : []
        guard let strongest = ties.map(\.weight).max() else { return }
        let random = RandomSource(seed: seed)
        for round in 0..<rounds {
            let step = 1 - Float(round) / Float(rounds)
            for tie in ties {
                // A tie of half the strength is used in every other round.
                let share = tie.weight / strongest
                if Int(Float(round + 1) * share) > Int(Float(round) * share) { apply(tie, step, random) }
            }
            progress(Double(round + 1) / Double(rounds))
        }
    }

    private mutating func apply(_ tie: Tie, _ step: Float, _ random: RandomSource) {
        let (i, j) = (Int(tie.from), Int(tie.to))
        var (dx, dy) = (points[i].x - points[j].x, points[i].y - points[j].y)
        var square = dx * dx + dy * dy
        if square > 0 {
            let power = powf(square, Self.b)
            let pull = -2 * Self.a * Self.b * power / square / (1 + Self.a * power)
            move(i, pull * dx, pull * dy, step)
            move(j, -pull * dx, -pull * dy, step)
        }
        for _ in 0..<Self.negatives {
            let other = Int(random.next() % UInt64(points.count))
            if other == i { continue }
            (dx, dy) = (points[i].x - points[other].x, points[i].y - points[other].y)
            square = dx * dx + dy * dy
            let push = 2 * Self.b / ((0.001 + square) * (1 + Self.a * powf(square, Self.b)))
            if square > 0 { move(i, push * dx, push * dy, step) } else { move(i, 4, 4, step) }
        }
    }

    private mutating func move(_ i: Int, _ dx: Float, _ dy: Float, _ step: Float) {
        points[i].x += step * max(-4, min(4, dx))
        points[i].y += step * max(-4, min(4, dy))
    }

    /// The ties of vectors to their neighbours, each pair once.
    private static func ties(_ vectors: Tensor, _ neighbours: Int) -> [Tie] {
        let near = StoredTensor(vectors).nearest(to: vectors, count: neighbours + 1, by: .dot)
        var weights: [UInt64: (Float, Float)] = [:]
        for (row, found) in near.enumerated() {
            let others = Array(found.filter { Int($0.row) != row }.prefix(neighbours))
            for (other, weight) in zip(others, strengths(others.map { max(0, 1 - $0.score) })) {
                let (low, high) = (min(row, Int(other.row)), max(row, Int(other.row)))
                let key = UInt64(low) << 32 | UInt64(high)
                if row == low {
                    weights[key, default: (0, 0)].0 = weight
                } else {
                    weights[key, default: (0, 0)].1 = weight
                }
            }
        }
        return weights.sorted { $0.key < $1.key }.map { key, both in
            Tie(
                from: Int32(key >> 32), to: Int32(key & 0xFFFF_FFFF), weight: both.0 + both.1 - both.0 * both.1)
        }
    }

    /// How strongly a vector is tied to neighbours at some distances, in rising order: the nearest wholly, all together
    /// as to `log₂` of their number (algorithm 3).
    private static func strengths(_ distances: [Float]) -> [Float] {
        let nearest = distances.first ?? 0
        let target = log2f(Float(max(2, distances.count)))
        var (low, high, scale) = (Float(0), Float.infinity, Float(1))
        func strengths() -> [Float] { distances.map { expf(-max(0, $0 - nearest) / max(scale, 1e-6)) } }
        for _ in 0..<64 {
            let sum = strengths().reduce(0, +)
            if abs(sum - target) < 1e-4 { break }
            if sum > target { high = scale } else { low = scale }
            scale = high.isFinite ? (low + high) / 2 : 2 * scale
        }
        return strengths()
    }
}
