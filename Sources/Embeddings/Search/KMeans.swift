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
        let (size, blocks) = (vectors.columns, blocks(vectors.rows))
        let parts = parallelMap(blocks.count) { block in
            var sums = [Double](repeating: 0, count: old.count)
            let rows = vectors.rows(blocks[block]).tensor
            for (place, row) in blocks[block].enumerated() {
                let start = Int(clusters[row]) * size
                for (column, value) in rows.row(place).enumerated() { sums[start + column] += Double(value) }
            }
            return sums
        }
        var counts = [Int](repeating: 0, count: old.rows)
        for cluster in clusters { counts[Int(cluster)] += 1 }
        var means = old
        means.mutate { values in
            for i in values.indices where counts[i / size] > 0 {
                values[i] = Float(parts.reduce(0) { $0 + $1[i] } / Double(counts[i / size]))
            }
        }
        return means
    }

    /// Vectors far from one another: each drawn with the square of its distance to those before.
    private static func firstCentres(_ vectors: StoredTensor, _ count: Int, _ random: RandomSource) -> Tensor {
        var chosen = [Int(random.next() % UInt64(vectors.rows))]
        var distances = [Double](repeating: .infinity, count: vectors.rows)
        let blocks = blocks(vectors.rows)
        while chosen.count < count {
            let last = vectors.rows(chosen[chosen.count - 1]..<chosen[chosen.count - 1] + 1).tensor
            let parts = parallelMap(blocks.count) { block in
                var scores = [Float](repeating: 0, count: blocks[block].count)
                vectors.scores(
                    of: last.row(0), rows: blocks[block].map { Int32($0) }, by: .negativeSquaredDistance, into: &scores)
                return scores
            }
            for (row, score) in parts.joined().enumerated() { distances[row] = min(distances[row], -Double(score)) }
            var place = Double(random.next() >> 11) * 0x1p-53 * distances.reduce(0, +)
            let next = distances.firstIndex { distance in
                place -= distance
                return place < 0
            }
            // Where all others are equal to those chosen: any that is not chosen.
            chosen.append(next ?? (0..<vectors.rows).first { !chosen.contains($0) } ?? 0)
        }
        return Tensor(
            [count, vectors.columns], chosen.flatMap { vectors.rows($0..<$0 + 1).tensor.values })
    }
}
