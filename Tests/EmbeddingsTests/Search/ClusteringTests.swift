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
}
