/// A token for every known word.
struct WordLevel: Sendable {
    let vocabulary: Vocabulary
    let unknownID: Int32?

    func tokenize(_ word: Span<UInt8>, pieces: inout [WordToken]) {
        guard let id = vocabulary.id(word) ?? unknownID else { return }
        pieces.append(WordToken(id: id, start: 0, end: Int32(truncatingIfNeeded: word.count)))
    }
}
