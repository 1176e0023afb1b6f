import Tasks
import Tensors
import Testing

@Suite("WordDeletion")
struct WordDeletionTests {
    /// Two special tokens around three words, of two tokens, one, and three.
    private let ids: [Int32] = [2, 10, 11, 12, 13, 14, 15, 3]
    private let words: [Int32] = [-1, 0, 0, 1, 2, 2, 2, -1]

    @Test("words are left out whole, special tokens never")
    func whole() {
        let random = RandomSource(seed: 1)
        var seen: Set<[Int32]> = []
        for _ in 0..<200 { seen.insert(WordDeletion(ratio: 0.5).applied(to: ids, words: words, random)) }
        #expect(seen.count == 7)
        for text in seen {
            #expect(text.first == 2 && text.last == 3 && text.count > 2)
            for word in [[10, 11], [12], [13, 14, 15]] as [[Int32]] {
                #expect(word.allSatisfy(text.contains) || !word.contains(where: text.contains))
            }
        }
    }

    @Test("one word remains, each as often as the others, where all would go")
    func oneRemains() {
        let random = RandomSource(seed: 2)
        var counts: [Int: Int] = [:]
        for _ in 0..<3000 {
            counts[WordDeletion(ratio: 0.9999).applied(to: ids, words: words, random).count, default: 0] += 1
        }
        #expect(Set(counts.keys) == [3, 4, 5] && counts.values.allSatisfy { $0 > 850 })
    }

    @Test("the share of words that go is the one asked for")
    func share() {
        let (long, numbers) = ((0..<200).map(Int32.init), (0..<200).map(Int32.init))
        let random = RandomSource(seed: 3)
        let kept = (0..<200).reduce(0) { sum, _ in
            sum + WordDeletion(ratio: 0.6).applied(to: long, words: numbers, random).count
        }
        #expect(abs(Double(kept) / 40000 - 0.4) < 0.01)
        #expect(WordDeletion(ratio: 0).applied(to: long, words: numbers, random) == long)
    }

    @Test("a text without words stays")
    func noWords() {
        let text = WordDeletion(ratio: 0.6).applied(to: [2, 3], words: [-1, -1], RandomSource(seed: 4))
        #expect(text == [2, 3])
    }
}
