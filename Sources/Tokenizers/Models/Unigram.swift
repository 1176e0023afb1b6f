/// Splits a word into the pieces of the highest total score.
///
/// Instead of a trie over the vocabulary there is a set of bits for the hashes of all prefixes of all tokens: a walk
/// from a position ends as soon as no token can begin with what it has seen, and little has to be built when loading.
///
/// Source: Kudo 2018, "Subword Regularization", §3.1; Hugging Face tokenizers 0.23.3, `Unigram`.
struct Unigram: Sendable {
    let vocabulary: Vocabulary
    let scores: [Double]
    let unknownID: Int32?
    private let unknownScore: Double
    private let byteIDs: [Int32?]?
    /// Bits of the hashes of tokens' prefixes, and of whole tokens.
    private var prefixes: [UInt64]
    private var endings: [UInt64]
    private let mask: UInt64

    /// The longest token of a file, in bytes: from every place of a text, as many may have to be looked at.
    static let longestToken = 1 << 14

    /// - Parameters:
    ///   - scores: for each id; `-infinity` for a token that no text matches.
    ///   - lowestScore: what unknown code points are less likely than; `nil` for the lowest of all scores.
    init(
        vocabulary: Vocabulary, scores: [Double], unknownID: Int32?, lowestScore: Double? = nil,
        fallsBackToBytes: Bool
    ) {
        self.vocabulary = vocabulary
        self.scores = scores
        self.unknownID = unknownID
        unknownScore = (lowestScore ?? scores.lazy.filter(\.isFinite).min() ?? 0) - 10
        byteIDs = fallsBackToBytes ? ByteFallback.ids(vocabulary) : nil
        var bits = 1 << 14
        while bits < 32 * vocabulary.count { bits *= 2 }
        let mask = UInt64(bits - 1)
        self.mask = mask
        var prefixes = [UInt64](repeating: 0, count: bits / 64)
        var endings = [UInt64](repeating: 0, count: bits / 64)
        vocabulary.forEach { token, _ in
            var state = Vocabulary.seed
            for byte in token {
                state = Vocabulary.step(state, byte)
                let bit = Vocabulary.finish(state) & mask
                prefixes[Int(bit >> 6)] |= 1 << (bit & 63)
            }
            let bit = Vocabulary.finish(state) & mask
            endings[Int(bit >> 6)] |= 1 << (bit & 63)
        }
        self.prefixes = prefixes
        self.endings = endings
    }

    /// The best way to reach a position.
    struct Node: Sendable {
        var score: Double
        /// Where the last piece begins; -1 while the position is not reached.
        var start: Int32
        var id: Int32
    }

    func tokenize(_ word: Span<UInt8>, nodes: inout [Node], pieces: inout [WordToken]) {
        if word.isEmpty { return }
        nodes.removeAll(keepingCapacity: true)
        nodes.append(contentsOf: repeatElement(Node(score: 0, start: -1, id: -1), count: word.count + 1))
        var start = 0
        while start < word.count {
            let length = word[start] < 0x80 ? 1 : min(UTF8Code.decode(word, at: start).length, word.count - start)
            let scoreSoFar = nodes[start].score
            var hasSingle = false
            var state = Vocabulary.seed
            var end = start
            while end < word.count {
                state = Vocabulary.step(state, word[end])
                end += 1
                let hash = Vocabulary.finish(state)
                let bit = hash & mask
                if prefixes[Int(bit >> 6)] & 1 << (bit & 63) == 0 { break }
                if endings[Int(bit >> 6)] & 1 << (bit & 63) == 0 { continue }
                guard let id = vocabulary.find(word, start..<end, state: state) else { continue }
                if scores[Int(id)] == -.infinity { continue }
                let score = scores[Int(id)] + scoreSoFar
                if nodes[end].start < 0 || score > nodes[end].score {
                    nodes[end] = Node(score: score, start: Int32(truncatingIfNeeded: start), id: id)
                }
                if end - start == length { hasSingle = true }
            }
            if !hasSingle {
                let end = start + length
                let score = unknownScore + scoreSoFar
                if nodes[end].start < 0 || score > nodes[end].score {
                    nodes[end] = Node(
                        score: score, start: Int32(truncatingIfNeeded: start), id: unknownID ?? -1)
                }
            }
            start += length
        }
        backtrack(word, nodes, &pieces)
    }

    private func backtrack(_ word: Span<UInt8>, _ nodes: [Node], _ pieces: inout [WordToken]) {
        let first = pieces.count
        var end = Int32(truncatingIfNeeded: word.count)
        while end > 0 {
            let node = nodes[Int(end)]
            // Neighbouring unknown code points become one token.
            if node.id == unknownID, let last = pieces.last, pieces.count > first, last.id == node.id,
                last.start == end
            {
                pieces[pieces.count - 1] = WordToken(id: node.id, start: node.start, end: last.end)
            } else {
                pieces.append(WordToken(id: node.id, start: node.start, end: end))
            }
            end = node.start
        }
        pieces[first...].reverse()
        var hasUnknown = false
        for piece in pieces[first...] where piece.id == unknownID || piece.id < 0 { hasUnknown = true }
        if hasUnknown { resolveUnknown(word, first, &pieces) }
    }

    /// Unknown text that is a token after all, or falls back to bytes.
    private func resolveUnknown(_ word: Span<UInt8>, _ first: Int, _ pieces: inout [WordToken]) {
        let found = Array(pieces[first...])
        pieces.removeLast(found.count)
        for piece in found {
            let range = Int(piece.start)..<Int(piece.end)
            let text = word.extracting(range)
            if piece.id >= 0, piece.id != unknownID {
                pieces.append(piece)
            } else if let id = vocabulary.id(text), scores[Int(id)] > -.infinity {
                pieces.append(WordToken(id: id, start: piece.start, end: piece.end))
            } else if let byteIDs, range.allSatisfy({ byteIDs[Int(word[$0])] != nil }) {
                for i in range {
                    if let id = byteIDs[Int(word[i])] {
                        pieces.append(WordToken(id: id, start: piece.start, end: piece.end))
                    }
                }
            } else if let unknownID {
                pieces.append(WordToken(id: unknownID, start: piece.start, end: piece.end))
            }
        }
    }
}
