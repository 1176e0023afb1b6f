import Embeddings
import JSON
import Tensors
import TestSupport
import Testing

@Suite("Clustering")
struct ClusteringTests {
    private let golden: SearchGolden
    private let vectors: StoredTensor

    init() throws {
        golden = try SearchGolden()
        var vectors = golden.tensor("vectors")
        vectors.normalizeRows()
        self.vectors = StoredTensor(vectors)
    }

    @Test("communities are sentence-transformers'")
    func communities() throws {
        for entry in try #require(golden.json["communities"]?.array) {
            let threshold = Float(try #require(entry["threshold"]?.number))
            let size = try #require(entry["minSize"]?.integer)
            let found = CommunityDetection.communities(in: vectors, threshold: threshold, minSize: size)
            #expect(found.map { $0.map { Int($0) } } == entry["communities"]?.array?.map(\.integers))
        }
        #expect(CommunityDetection.communities(in: StoredTensor(.zeros([0, 4])), threshold: 0.5, minSize: 2) == [])
    }

    @Test("pairs are sentence-transformers'", arguments: [(100, 500_000), (3, 40), (1, 20)])
    func pairs(_ topK: Int, _ maxPairs: Int) throws {
        let expected = try #require(golden.json["pairs"]?["\(topK)-\(maxPairs)"]?.array).map(\.numbers)
        let found = ParaphraseMining.pairs(in: vectors, topK: topK, maxPairs: maxPairs)
        #expect(found.count == min(maxPairs, topK == 100 ? 64 * 63 / 2 : 40))
        #expect(
            found.prefix(expected.count).map { [Int($0.first), Int($0.second)] }
                == expected.map { [Int($0[1]), Int($0[2])] })
        #expect(zip(found, expected).allSatisfy { abs(Double($0.score) - $1[0]) < 1e-5 })
        let strong = ParaphraseMining.pairs(in: vectors, topK: topK, maxPairs: maxPairs, threshold: 0.9)
        #expect(strong == found.filter { $0.score >= 0.9 })
    }

    @Test("a bar that rises from block to block loses none of the best pairs")
    func risingBar() {
        var vectors = RandomSource(seed: 3).normalTensor([2500, 6], standardDeviation: 1)
        vectors.scaleRowsToLength1()
        let all = ParaphraseMining.pairs(in: StoredTensor(vectors), topK: 4)
        #expect(all.count > 4000)
        for count in [1, 30, 700] {
            let best = ParaphraseMining.pairs(in: StoredTensor(vectors), topK: 4, maxPairs: count)
            #expect(best == Array(all.prefix(count)))
        }
    }

    @Test("k-means parts what is apart, is the same for the same seed, and its centres are means")
    func kMeans() {
        let random = RandomSource(seed: 11)
        let noise = random.normalTensor([90, 5], standardDeviation: 0.1)
        let apart = Tensor([90, 5], noise.values.enumerated().map { $0.element + Float($0.offset / 5 % 3) * 4 })
        let found = KMeans(StoredTensor(apart), count: 3, seed: 1)
        #expect(Set(found.clusters).count == 3)
        for row in 0..<90 { #expect(found.clusters[row] == found.clusters[row % 3]) }
        for cluster in 0..<3 {
            let rows = (0..<90).filter { found.clusters[$0] == cluster }
            let mean = rows.reduce(0) { $0 + Double(apart.row($1).first!) } / Double(rows.count)
            #expect(abs(Double(found.centres.row(cluster).first!) - mean) < 1e-6)
        }
        #expect(found.inertia < 90 * 5 * 0.02)
        #expect(
            KMeans(StoredTensor(apart), count: 7, seed: 5).clusters
                == KMeans(StoredTensor(apart), count: 7, seed: 5).clusters)
        let equal = KMeans(StoredTensor(Tensor(repeating: 1, [4, 3])), count: 3, seed: 1)
        #expect(equal.inertia == 0)
    }

    /// The first centres by comparing each with all vectors.
    private func plainCentres(_ vectors: Tensor, _ count: Int, seed: UInt64) -> [Int] {
        let (stored, random) = (StoredTensor(vectors), RandomSource(seed: seed))
        var chosen = [Int(random.next() % UInt64(vectors.rows))]
        var distances = [Double](repeating: .infinity, count: vectors.rows)
        var scores = [Float](repeating: 0, count: vectors.rows)
        while chosen.count < count {
            stored.scores(
                ofRow: Int32(chosen.last!), rows: (0..<Int32(vectors.rows)).map { $0 }, by: .negativeSquaredDistance,
                into: &scores)
            for row in distances.indices { distances[row] = min(distances[row], -Double(scores[row])) }
            var place = Double(random.next() >> 11) * 0x1p-53 * distances.reduce(0, +)
            let next = distances.firstIndex { distance in
                place -= distance
                return place < 0
            }
            chosen.append(next ?? distances.indices.first { !chosen.contains($0) } ?? 0)
        }
        return chosen
    }

    @Test(
        "the first centres of k-means are those of a comparison with all vectors",
        arguments: [1, 1e-20, 1e-15, 1e18, 3e18] as [Float], [0, 0.001, 0.3] as [Float])
    func firstCentres(_ scale: Float, _ spread: Float) {
        let random = RandomSource(seed: 21)
        let noise = random.normalTensor([5000, 8], standardDeviation: 1)
        var vectors = noise
        vectors.mutate { values in
            for i in values.indices {
                // Groups around 40 vectors, some of them equal.
                values[i] = scale * (noise.values[(i / 8 % 40) * 8 + i % 8] + spread * noise.values[i])
            }
        }
        for (count, seed) in [(1, 1), (2, 2), (39, 3), (60, 4)] as [(Int, UInt64)] {
            let found = KMeans(StoredTensor(vectors), count: count, seed: seed, maxIterations: 0)
            let expected = plainCentres(vectors, count, seed: seed)
            #expect(found.centres.values == expected.flatMap { vectors.row($0) })
        }
    }

    @Test("the means of k-means are those of their vectors, and a group without vectors keeps its centre")
    func means() {
        let vectors = Tensor(
            [9000, 3], RandomSource(seed: 2).normalTensor([9000, 3], standardDeviation: 1).values.map { $0.rounded() })
        let first = KMeans(StoredTensor(vectors), count: 2, seed: 8, maxIterations: 0)
        let next = KMeans(StoredTensor(vectors), count: 2, seed: 8, maxIterations: 1)
        for cluster in 0..<2 {
            let rows = (0..<9000).filter { Int(first.clusters[$0]) == cluster }
            for column in 0..<3 {
                // Whole numbers, whose sum no order changes.
                let sum = rows.reduce(0) { $0 + Double(vectors.values[$1 * 3 + column]) }
                #expect(next.centres.values[cluster * 3 + column] == Float(sum / Double(rows.count)))
            }
        }
        let equal = KMeans(StoredTensor(Tensor(repeating: 0.1, [5000, 3])), count: 3, seed: 1)
        #expect(Set(equal.clusters) == [0] && equal.centres.values.allSatisfy { $0 == 0.1 })
    }
}
