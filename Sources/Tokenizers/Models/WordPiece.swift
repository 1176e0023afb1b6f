/// Splits a word into the longest pieces of a vocabulary, from the left.
///
/// Source: Wu et al. 2016, "Google's Neural Machine Translation System", §4.1; Devlin et al. 2019, "BERT", §3.
struct WordPiece: Sendable {
    let vocabulary: Vocabulary
    let unknownID: Int32
    let maxInputCharsPerWord: Int
    /// Length in bytes of the prefix of a piece that continues a word, such as `##`.
    let prefixLength: Int
    private let prefixState: UInt64

    init(vocabulary: Vocabulary, unknownID: Int32, continuingSubwordPrefix: String, maxInputCharsPerWord: Int) {
        self.vocabulary = vocabulary
        self.unknownID = unknownID
        self.maxInputCharsPerWord = maxInputCharsPerWord
        let prefix = Array(continuingSubwordPrefix.utf8)
        prefixLength = prefix.count
        prefixState = Vocabulary.hash(prefix.span)
    }

    /// Appends the pieces of one word with their ranges in the word's bytes.
    ///
    /// - Parameters:
    ///   - word: a buffer whose first `count` bytes are the word.
    ///   - state: the hash state of the whole word.
    ///   - characters: the number of its code points.
    @inline(__always)
    func tokenize(
        _ word: Span<UInt8>, count: Int, state: UInt64, characters: Int, scratch: inout [UInt64],
        pieces: inout [WordToken]
    ) {
        pieces.removeAll(keepingCapacity: true)
        if count == 0 { return }
        if characters > maxInputCharsPerWord {
            pieces.append(WordToken(id: unknownID, start: 0, end: Int32(truncatingIfNeeded: count)))
        } else if let id = vocabulary.find(word, 0..<count, state: state) {
            pieces.append(WordToken(id: id, start: 0, end: Int32(truncatingIfNeeded: count)))
        } else {
            split(word, count: count, scratch: &scratch, pieces: &pieces)
        }
    }

    /// The pieces of a word that is not a token itself.
    private func split(_ word: Span<UInt8>, count: Int, scratch: inout [UInt64], pieces: inout [WordToken]) {
        if scratch.count <= count { scratch = [UInt64](repeating: 0, count: 2 * count + 64) }
        var start = 0
        while start < count {
            // Hash states of the texts from `start` that are no longer than the longest token.
            let skipped = start == 0 ? 0 : prefixLength
            var state = start == 0 ? Vocabulary.seed : prefixState
            let limit = min(count, start + max(0, vocabulary.longestToken - skipped))
            for i in start..<limit {
                state = Vocabulary.step(state, word[i])
                scratch[i] = state
            }
            var end = limit
            var found: Int32?
            while end > start {
                if end == count || !UTF8Code.isContinuation(word[end]) {
                    found = vocabulary.find(word, start..<end, state: scratch[end - 1], skipping: skipped)
                    if found != nil { break }
                }
                end -= 1
            }
            guard let found else {
                pieces.removeAll(keepingCapacity: true)
                pieces.append(WordToken(id: unknownID, start: 0, end: Int32(truncatingIfNeeded: count)))
                return
            }
            pieces.append(
                WordToken(id: found, start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end)))
            start = end
        }
    }
}

/// A token of one word: its id and its range in the word's bytes.
struct WordToken: Sendable {
    let id: Int32
    let start: Int32
    let end: Int32
}
