public import Tensors

/// Vectors in a given number of groups, each around the mean of its vectors.
///
/// Sources: Lloyd 1982, "Least Squares Quantization in PCM"; the first centres after Arthur and Vassilvitskii 2007,
/// "k-means++", §2.2.
public struct KMeans: Sendable {
    /// `[clusters, size]`
    public let centres: Tensor
    /// The group of every vector.
    public let clusters: [Int32]
    /// The sum of the squares of the distances to the centres.
    public let inertia: Double
    public let iterations: Int

    private static let rowsPerBlock = 4096

    /// The result depends on the vectors and the seed alone.
    ///
    /// - Parameters:
    ///   - vectors: `[vectors, size]`, at least `count` of them.
    ///   - maxIterations: ends the search for better centres, which ends by itself when no vector changes its group.
    public init(_ vectors: StoredTensor, count: Int, seed: UInt64, maxIterations: Int = 100) {
        precondition((1...max(1, vectors.rows)).contains(count), "\(count) groups of \(vectors.rows) vectors")
        var centres = Self.firstCentres(vectors, count, RandomSource(seed: seed))
        var (clusters, inertia) = Self.assign(vectors, centres)
        var rounds = 0
        while rounds < maxIterations {
            rounds += 1
            centres = Self.means(vectors, clusters, centres)
            let (next, nextInertia) = Self.assign(vectors, centres)
            inertia = nextInertia
            if next == clusters { break }
            clusters = next
        }
        (self.centres, self.clusters, self.inertia, iterations) = (centres, clusters, inertia, rounds)
    }

    private static func blocks(_ rows: Int) -> [Range<Int>] {
        stride(from: 0, to: rows, by: rowsPerBlock).map { $0..<min(rows, $0 + rowsPerBlock) }
    }

    /// The nearest centre of every vector.
    private static func assign(_ vectors: StoredTensor, _ centres: Tensor) -> ([Int32], Double) {
        let table = StoredTensor(centres)
        var (clusters, inertia): ([Int32], Double) = ([], 0)
        let blocks = blocks(vectors.rows)
        let parts = parallelMap(blocks.count) { block in
            table.nearest(to: vectors.rows(blocks[block]).tensor, count: 1, by: .negativeSquaredDistance)
        }
        for part in parts {
            for best in part {
                clusters.append(best[0].row)
                inertia -= Double(best[0].score)
            }
        }
        return (clusters, inertia)
    }

    /// The means of the groups; a group without vectors keeps its centre.
    private static func means(_ vectors: StoredTensor, _ clusters: [Int32], _ old: Tensor) -> Tensor {
        var rows = [[Int32]](repeating: [], count: old.rows)
        for (row, cluster) in clusters.enumerated() { rows[Int(cluster)].append(Int32(row)) }
        // A large group in parts, so that no thread has most of the work.
        let parts = rows.indices.flatMap { cluster in
            blocks(rows[cluster].count).map { (cluster: cluster, range: $0) }
        }
        let partSums = parallelMap(parts.count) { vectors.sum(ofRows: rows[parts[$0].cluster][parts[$0].range]) }
        var sums = [Double](repeating: 0, count: old.count)
        for (part, values) in zip(parts, partSums) {
            let start = part.cluster * old.columns
            for (column, value) in values.enumerated() { sums[start + column] += value }
        }
        var means = old
        means.mutate { values in
            for i in values.indices {
                let count = rows[i / vectors.columns].count
                if count > 0 { values[i] = Float(sums[i] / Double(count)) }
            }
        }
        return means
    }

    /// Vectors far from one another: each drawn with the square of its distance to those before.
    private static func firstCentres(_ vectors: StoredTensor, _ count: Int, _ random: RandomSource) -> Tensor {
        var seeding = Seeding(vectors, first: Int32(random.next() % UInt64(vectors.rows)))
        while seeding.chosen.count < count {
            seeding.measureLast()
            var place = Double(random.next() >> 11) * 0x1p-53 * seeding.distances.reduce(0, +)
            let next = seeding.distances.firstIndex { distance in
                place -= distance
                return place < 0
            }
            // Where all others are equal to those chosen: any that is not chosen.
            seeding.chosen.append(
                next.map { Int32($0) } ?? (0..<Int32(vectors.rows)).first { !seeding.chosen.contains($0) } ?? 0)
        }
        return Tensor(
            [count, vectors.columns], seeding.chosen.flatMap { vectors.rows(Int($0)..<Int($0) + 1).tensor.values })
    }

    /// The vectors chosen as centres, and how far the others are from them.
    private struct Seeding {
        private let vectors: StoredTensor
        var chosen: [Int32]
        /// The square of every vector's distance to the nearest of the chosen that were measured.
        private(set) var distances: [Double]
        /// The place of that one in `chosen`.
        private var nearest: [Int32]

        init(_ vectors: StoredTensor, first: Int32) {
            self.vectors = vectors
            chosen = [first]
            distances = [Double](repeating: .infinity, count: vectors.rows)
            nearest = [Int32](repeating: 0, count: vectors.rows)
        }

        /// Takes the vector that was chosen last into the distances.
        mutating func measureLast() {
            let new = chosen[chosen.count - 1]
            var apart = [Float](repeating: 0, count: chosen.count)
            vectors.scores(ofRow: new, rows: chosen, by: .negativeSquaredDistance, into: &apart)
            let blocks = KMeans.blocks(vectors.rows)
            let parts = parallelMap(blocks.count) { block in
                let near = blocks[block].filter { mayBeNearer($0, -apart[Int(nearest[$0])]) }.map { Int32($0) }
                var scores = [Float](repeating: 0, count: near.count)
                vectors.scores(ofRow: new, rows: near, by: .negativeSquaredDistance, into: &scores)
                return zip(near, scores)
            }
            for (row, score) in parts.joined() where -Double(score) < distances[Int(row)] {
                distances[Int(row)] = -Double(score)
                nearest[Int(row)] = Int32(chosen.count - 1)
            }
        }

        /// Whether a new centre can be nearer to a row than the nearest so far.
        ///
        /// It cannot where that one is twice as far from the new centre as from the row, by the triangle inequality: the
        /// rows that are left out change nothing, so that the choice is that of a comparison with all. A margin is for
        /// the rounding of both squares, and what is too large for a float says nothing.
        ///
        /// Source: Elkan 2003, "Using the Triangle Inequality to Accelerate k-Means", lemma 1.
        ///
        /// - Parameter apart: the square of the distance of the two centres.
        private func mayBeNearer(_ row: Int, _ apart: Float) -> Bool {
            !(apart.isFinite && Double(apart) >= 4.001 * distances[row] + 1e-30)
        }
    }
}
