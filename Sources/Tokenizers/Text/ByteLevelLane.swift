/// Byte-level byte-pair encoding straight from a text's own bytes: no alphabet of printable code points, no copy of the
/// text, and words that were seen before come out of a cache.
///
/// A class, so that threads share one reference count per text and not those of all its tables.
final class ByteLevelLane: Sendable {
    private let model: BytePairEncoding
    /// The symbol of each byte.
    private let symbols: [Int32]
    private let addPrefixSpace: Bool

    /// `nil` where a byte has no token of its own; then what is unknown needs the general way.
    init?(model: BytePairEncoding, addPrefixSpace: Bool) {
        guard model.continuingSubwordPrefix.isEmpty, model.endOfWordSuffix.isEmpty else { return nil }
        var symbols: [Int32] = []
        for scalar in ByteLevelAlphabet.scalars {
            var bytes: [UInt8] = []
            UTF8Code.append(scalar, to: &bytes)
            guard let id = model.vocabulary.id(bytes.span) else { return nil }
            symbols.append(id)
        }
        self.model = model
        self.symbols = symbols
        self.addPrefixSpace = addPrefixSpace
    }

    /// Appends the tokens of a part of a text.
    func encode<Sink: TokenSink>(
        _ text: Span<UInt8>, _ range: Range<Int>, word index: inout Int32, sink: inout Sink,
        workspace: inout Workspace
    ) {
        if range.isEmpty { return }
        if addPrefixSpace, text[range.lowerBound] != 0x20 {
            encodeWithPrefix(text, range, word: &index, sink: &sink, workspace: &workspace)
            return
        }
        encodeWords(text, range, word: &index, sink: &sink, workspace: &workspace) { range in range }
    }

    /// The blank in front of the text stands where its first code point does.
    private func encodeWithPrefix<Sink: TokenSink>(
        _ text: Span<UInt8>, _ range: Range<Int>, word index: inout Int32, sink: inout Sink,
        workspace: inout Workspace
    ) {
        var prefixed: [UInt8] = []
        swap(&prefixed, &workspace.word)
        defer { swap(&prefixed, &workspace.word) }
        let room = prefixed.count
        prefixed.removeAll(keepingCapacity: true)
        prefixed.append(0x20)
        for i in range { prefixed.append(text[i]) }
        let start = range.lowerBound
        let first = min(UTF8Code.decode(text, at: start).length, range.count)
        encodeWords(prefixed.span, 0..<prefixed.count, word: &index, sink: &sink, workspace: &workspace) { range in
            let lower = range.lowerBound == 0 ? start : start + range.lowerBound - 1
            return lower..<(range.upperBound == 1 ? start + first : start + range.upperBound - 1)
        }
        while prefixed.count < room { prefixed.append(0) }
    }

    @inline(__always)
    private func encodeWords<Sink: TokenSink>(
        _ text: Span<UInt8>, _ range: Range<Int>, word index: inout Int32, sink: inout Sink,
        workspace: inout Workspace, _ origin: (Range<Int>) -> Range<Int>
    ) {
        ByteLevelSplitting.forEachWord(text, range) { word in
            let found = pieces(text, word, &workspace)
            for i in found {
                let piece = workspace.cache.pieces[i]
                if !sink.wantsOffsets {
                    sink.add(piece.id, start: 0, end: 0, word: index)
                    continue
                }
                // A token that ends inside a code point covers all of it.
                var lower = word.lowerBound + Int(piece.start)
                var upper = word.lowerBound + Int(piece.end)
                while lower > word.lowerBound, UTF8Code.isContinuation(text[lower]) { lower -= 1 }
                while upper < word.upperBound, UTF8Code.isContinuation(text[upper]) { upper += 1 }
                let place = origin(lower..<upper)
                sink.add(
                    piece.id, start: Int32(truncatingIfNeeded: place.lowerBound),
                    end: Int32(truncatingIfNeeded: place.upperBound), word: index)
            }
            index += 1
            return !sink.isFull
        }
    }

    /// Where the tokens of a word are in the cache.
    @inline(__always)
    private func pieces(_ text: Span<UInt8>, _ word: Range<Int>, _ workspace: inout Workspace) -> Range<Int> {
        var state = Vocabulary.seed
        for i in word { state = Vocabulary.step(state, text[i]) }
        let hash = Vocabulary.finish(state)
        if let found = workspace.cache.find(text, word, hash: hash) { return found }
        return tokenize(text, word, hash, &workspace)
    }

    private func tokenize(_ text: Span<UInt8>, _ word: Range<Int>, _ hash: UInt64, _ workspace: inout Workspace)
        -> Range<Int>
    {
        workspace.pieces.removeAll(keepingCapacity: true)
        if model.ignoresMerges, let id = wholeWord(text, word) {
            workspace.pieces.append(WordToken(id: id, start: 0, end: Int32(truncatingIfNeeded: word.count)))
        } else {
            workspace.symbols.removeAll(keepingCapacity: true)
            for (i, place) in word.enumerated() {
                workspace.symbols.append(
                    BytePairEncoding.Symbol(
                        id: symbols[Int(text[place])], length: 1, previous: Int32(truncatingIfNeeded: i - 1),
                        next: Int32(truncatingIfNeeded: i + 1)))
            }
            if let last = workspace.symbols.indices.last { workspace.symbols[last].next = -1 }
            model.merge(&workspace.symbols, &workspace.heap, &workspace.pieces)
        }
        return workspace.cache.insert(text, word, hash: hash, workspace.pieces)
    }

    private func wholeWord(_ text: Span<UInt8>, _ word: Range<Int>) -> Int32? {
        var token: [UInt8] = []
        for i in word { UTF8Code.append(ByteLevelAlphabet.scalars[Int(text[i])], to: &token) }
        return model.vocabulary.id(token.span)
    }
}
