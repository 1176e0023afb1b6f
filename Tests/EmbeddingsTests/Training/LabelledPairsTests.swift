import Embeddings
import Tensors
import Testing

@Suite("LabelledPairs")
struct LabelledPairsTests {
    private static let labels = [0, 1, 0, 2, 1, 0, 0]

    private func pairs(_ strategy: LabelledPairs.Strategy, _ labels: [Int] = labels, seed: UInt64 = 1) -> [LabelledPairs
        .Pair]
    {
        let pairs = LabelledPairs(labels: labels, strategy, order: RandomSource(seed: seed))
        return (0..<pairs.count).map { pairs[$0] }
    }

    @Test("each pair comes once, an example with itself too")
    func unique() {
        let all = pairs(.unique)
        #expect(all.count == 7 * 8 / 2)
        #expect(Set(all.map { [min($0.first, $0.second), max($0.first, $0.second)] }).count == all.count)
        #expect(all.allSatisfy { $0.isAlike == (Self.labels[$0.first] == Self.labels[$0.second]) })
        // Of labels with four, two and one example.
        #expect(all.count { $0.isAlike } == 10 + 3 + 1)
    }

    @Test(
        "there are as many pairs of one kind as of the other",
        arguments: [LabelledPairs.Strategy.oversampling, .undersampling])
    func balanced(strategy: LabelledPairs.Strategy) {
        let labels = (0..<24).map { $0 % 4 }
        let all = pairs(strategy, labels)
        let alike = all.count { $0.isAlike }
        #expect(alike * 2 == all.count && all.count == (strategy == .oversampling ? 2 * 216 : 2 * 84))
        let seen = Set(all.map { [min($0.first, $0.second), max($0.first, $0.second)] })
        #expect(seen.count == (strategy == .oversampling ? 216 + 84 : 2 * 84))
    }

    @Test("the seed decides the order")
    func order() {
        #expect(pairs(.oversampling) == pairs(.oversampling))
        #expect(pairs(.oversampling) != pairs(.oversampling, seed: 2))
    }

    @Test("pairs of a hundred thousand examples are drawn without all of them")
    func many() {
        let labels = (0..<100_000).map { $0 % 3 }
        let pairs = LabelledPairs(labels: labels, order: RandomSource(seed: 1))
        #expect(pairs.count > 6_000_000_000)
        let drawn = (0..<1000).map { pairs[$0 * 6_000_000] }
        #expect(drawn.allSatisfy { $0.isAlike == (labels[$0.first] == labels[$0.second]) })
        #expect((400..<600).contains(drawn.count { $0.isAlike }) && Set(drawn.map(\.first)).count > 900)
    }
}
