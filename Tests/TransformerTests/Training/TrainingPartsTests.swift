import Testing
import Transformer

@Suite("TrainingParts")
struct TrainingPartsTests {
    private let bound = TrainingParts.tokensPerPart

    private func tokens(_ lengths: [Int]) -> [Int] {
        TrainingParts.of(lengths: lengths).map { lengths[$0].reduce(0, +) }
    }

    /// The fewest parts of at most so many tokens, or of one text.
    private func count(of lengths: [Int], upTo bound: Int) -> Int {
        var (parts, sum) = (1, 0)
        for length in lengths {
            if sum > 0, sum + length > bound { (parts, sum) = (parts + 1, 0) }
            sum += length
        }
        return parts
    }

    @Test("what fits is one part")
    func one() {
        #expect(TrainingParts.of(lengths: [bound]) == [0..<1])
        #expect(TrainingParts.of(lengths: [bound / 2, bound - bound / 2]) == [0..<2])
    }

    @Test("what does not fit is cut into as few parts as can be, of like numbers of tokens")
    func balanced() {
        let lengths = [Int](repeating: bound / 8, count: 12)
        #expect(TrainingParts.of(lengths: lengths) == [0..<6, 6..<12])
        #expect(tokens([bound, 1]) == [bound, 1])
        #expect(tokens([1, 1, bound - 1, 1]) == [2, bound])
    }

    @Test("texts of any lengths stay in order, none is lost, and no part is longer than the bound or its one text")
    func any() {
        for seed in 1..<200 {
            let longest = seed % 9 == 0 ? 2 * bound : 200
            let lengths = (0..<seed % 40 + 1).map { 1 + ($0 * 7919 + seed * 104_729) % longest }
            let parts = TrainingParts.of(lengths: lengths)
            #expect(parts.flatMap(Array.init) == Array(lengths.indices))
            for part in parts { #expect(part.count == 1 || lengths[part].reduce(0, +) <= bound) }
            let largest = parts.map { lengths[$0].reduce(0, +) }.max() ?? 0
            if parts.count > 1, largest > lengths.max() ?? 0 {
                #expect(count(of: lengths, upTo: largest - 1) > parts.count)
            }
            #expect(count(of: lengths, upTo: bound) == parts.count)
        }
    }
}
