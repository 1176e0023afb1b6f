import Embeddings
import Glibc
import Tensors
import Testing

@Suite("HardNegativeMining")
struct HardNegativeMiningTests {
    /// Documents at these angles from the one query, whose own document is the first.
    private static let angles: [Float] = [20, 10, 25, 40, 60, 80, 120]

    private func negatives(_ change: (inout HardNegativeMining) -> Void, count: Int = 2) -> [Int] {
        func vectors(_ angles: [Float]) -> Tensor {
            Tensor([angles.count, 2], angles.flatMap { [2 * cosf($0 * .pi / 180), 2 * sinf($0 * .pi / 180)] })
        }
        var mining = HardNegativeMining(count: count)
        change(&mining)
        return mining.negatives(
            queries: vectors([0]), documents: vectors(Self.angles), relevant: [[0]], random: RandomSource(seed: 1))[0]
    }

    @Test("the nearest texts that are not the pair's own are taken")
    func nearest() {
        #expect(negatives { _ in } == [1, 2])
        #expect(negatives({ _ in }, count: 9) == [1, 2, 3, 4, 5, 6])
    }

    @Test("the first of them are left out, and the range ends")
    func range() {
        #expect(negatives { $0.first = 2 } == [3, 4])
        #expect(
            negatives {
                $0.first = 2
                $0.last = 3
            } == [3])
    }

    @Test("a negative is less alike than the pair's own text, by a margin or a share")
    func margins() {
        // cos 20° = 0.9397, cos 25° = 0.9063, cos 40° = 0.7660.
        #expect(negatives { $0.margin = 0 } == [2, 3])
        #expect(negatives { $0.margin = 0.04 } == [3, 4])
        #expect(negatives { $0.relativeMargin = 0.03 } == [2, 3])
        #expect(negatives { $0.relativeMargin = 0.04 } == [3, 4])
    }

    @Test("cosines are bounded")
    func bounds() {
        #expect(negatives { $0.largestCosine = 0.8 } == [3, 4])
        #expect(negatives({ $0.smallestCosine = 0.7 }, count: 5) == [1, 2, 3])
    }

    @Test("drawn negatives are candidates, the same with the same seed")
    func random() {
        let drawn = negatives({ $0.isRandom = true }, count: 3)
        #expect(Set(drawn).count == 3 && !drawn.contains(0))
        #expect(drawn == negatives({ $0.isRandom = true }, count: 3))
    }

    @Test("of several texts that belong to a query the least alike one says how near a negative may be")
    func severalOwn() {
        let documents = Tensor([4, 2], [1, 0, 0.8, 0.6, 0.9, 0.4359, 0, 1])
        let mining = {
            var mining = HardNegativeMining(count: 1)
            mining.margin = 0
            return mining
        }()
        let found = mining.negatives(
            queries: Tensor([1, 2], [1, 0]), documents: documents, relevant: [[0, 1]], random: RandomSource(seed: 1))
        #expect(found == [[3]])
    }
}
