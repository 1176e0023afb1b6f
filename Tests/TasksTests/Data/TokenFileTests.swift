import Tasks
import Tensors
import TestSupport
import Testing

@Suite("TokenFile")
struct TokenFileTests {
    @Test("texts come back by their index, with the types of those that have them, also more than a buffer holds")
    func roundTrip() throws {
        let scratch = try TemporaryDirectory()
        let random = RandomSource(seed: 1)
        let texts = (0..<500).map { row in
            let ids = (0..<Int(random.next() % 400)).map { _ in Int32(truncatingIfNeeded: random.next()) }
            return TokenizedText(ids: ids, typeIDs: row % 3 == 0 ? ids.map { $0 & 1 } : nil)
        }
        var writer = try TokenFileWriter(in: scratch.path)
        for text in texts { try writer.append(text) }
        let stored = TokenizedTexts(try writer.finish())
        #expect(scratch.names.isEmpty)
        #expect(Array(stored) == texts)
        #expect(stored.lengths == texts.map(\.count))
        let rows = [499, 0, 0, 7]
        let some = stored.selecting(rows)
        #expect(Array(some) == rows.map { texts[$0] } && some.lengths == rows.map { texts[$0].count })
        #expect(Array(some.selecting([3, 1])) == [texts[7], texts[0]])
        #expect(Array(TokenizedTexts(texts).selecting([5])) == [texts[5]])
    }
}
