import Embeddings
import Tensors
import Testing

@Suite("NeighbourLayout")
struct NeighbourLayoutTests {
    /// Three groups of unit vectors.
    private var groups: Tensor {
        let noise = RandomSource(seed: 3).normalTensor([120, 10], standardDeviation: 0.05)
        var vectors = Tensor(
            [120, 10], noise.values.enumerated().map { $0.element + ($0.offset % 10 == $0.offset / 10 % 3 ? 1 : 0) })
        vectors.normalizeRows()
        return vectors
    }

    @Test("groups stay together and apart from one another; the same seed gives the same picture")
    func layout() {
        let points = NeighbourLayout(groups, neighbours: 10, rounds: 100).points
        func distance(_ i: Int, _ j: Int) -> Float {
            ((points[i].x - points[j].x) * (points[i].x - points[j].x) + (points[i].y - points[j].y)
                * (points[i].y - points[j].y))
                .squareRoot()
        }
        for i in 0..<120 {
            let order = (0..<120).filter { $0 != i }.sorted { distance(i, $0) < distance(i, $1) }
            #expect(order.prefix(10).filter { $0 % 3 == i % 3 }.count == 10)
        }
        #expect(NeighbourLayout(groups, neighbours: 10, rounds: 100).points == points)
        #expect(NeighbourLayout(groups, neighbours: 10, rounds: 100, seed: 2).points != points)
    }

    @Test("few and equal vectors have places", arguments: [0, 1, 2, 3, 20])
    func few(_ count: Int) {
        let points = NeighbourLayout(Tensor(repeating: 0.5, [count, 4]), rounds: 20).points
        #expect(points.count == count && points.allSatisfy { $0.x.isFinite && $0.y.isFinite })
    }

    @Test("principal components are the directions of the largest variances")
    func components() {
        let random = RandomSource(seed: 5)
        let noise = random.normalTensor([400, 6], standardDeviation: 1)
        let scales: [Float] = [0.1, 3, 0.2, 0.1, 8, 0.3]
        let vectors = Tensor([400, 6], noise.values.enumerated().map { $0.element * scales[$0.offset % 6] + 2 })
        let found = PrincipalComponents(vectors, count: 2)
        #expect(abs(found.directions[0][4]) > 0.99 && abs(found.directions[1][1]) > 0.99)
        let places = found.project(vectors)
        #expect(abs(places.reduce(0) { $0 + $1[0] } / 400) < 1e-3)
    }
}
