/// Unigram models over words that a visible blank begins, the way SentencePiece's encoders are published: the text is
/// normalized as a whole, and its words come out of a cache or are split where they stand.
///
/// A class, so that threads share one reference count per text and not those of all its tables.
final class UnigramLane: Sendable {
    private let model: Unigram
    private let normalizer: Normalizer?
    /// The normalizer, where it is nothing but a charsmap.
    private let charsmap: Charsmap?
    /// The visible blank.
    private let mark: [UInt8]

    init(model: Unigram, normalizer: Normalizer?, mark: UInt32) {
        self.model = model
        self.normalizer = normalizer
        if case .precompiled(let map) = normalizer { charsmap = map } else { charsmap = nil }
        var bytes: [UInt8] = []
        UTF8Code.append(mark, to: &bytes)
        self.mark = bytes
    }

    /// Appends the tokens of a part of a text.
    ///
    /// - Returns: `false` when the text needs the general way; then the sink may hold tokens to be dropped.
    func encode<Sink: TokenSink>(
        _ text: Span<UInt8>, _ range: Range<Int>, word index: inout Int32, sink: inout Sink,
        workspace: inout Workspace
    ) -> Bool {
        let isKept = charsmap?.keeps(text.extracting(range)) ?? normalizer?.keeps(text.extracting(range)) ?? true
        if isKept {
            return encodeWords(text, range, nil, word: &index, sink: &sink, workspace: &workspace)
        }
        var normalized = AlignedText(text, range, aligned: sink.wantsOffsets)
        normalizer?.apply(&normalized)
        let bytes = normalized.bytes
        return encodeWords(
            bytes.span, 0..<bytes.count, normalized, word: &index, sink: &sink, workspace: &workspace)
    }

    @inline(__always)
    private func encodeWords<Sink: TokenSink>(
        _ text: Span<UInt8>, _ range: Range<Int>, _ aligned: AlignedText?, word index: inout Int32,
        sink: inout Sink, workspace: inout Workspace
    ) -> Bool {
        var i = range.lowerBound
        while i < range.upperBound {
            // White space between words.
            let (first, firstLength) = UTF8Code.decode(text, at: i)
            if FrozenProperties.isWhitespace(first) {
                i += firstLength
                continue
            }
            let start = i
            var state = Vocabulary.seed
            while i < range.upperBound {
                let byte = text[i]
                if byte < 0x80 {
                    if byte == 0x20 || byte &- 9 < 5 { break }
                    state = Vocabulary.step(state, byte)
                    i += 1
                    continue
                }
                let (scalar, length) = UTF8Code.decode(text, at: i)
                if FrozenProperties.isWhitespace(scalar) { break }
                if byte == mark[0], begins(text, i, range.upperBound) { return false }
                for k in i..<min(i + length, range.upperBound) { state = Vocabulary.step(state, text[k]) }
                i += length
            }
            let word = start..<min(i, range.upperBound)
            let found = pieces(text, word, Vocabulary.finish(state), &workspace)
            for place in found {
                let piece = workspace.cache.pieces[place]
                if !sink.wantsOffsets {
                    sink.add(piece.id, start: 0, end: 0, word: index)
                    continue
                }
                // The blank in front of a word stands where its first code point does.
                let lower = start + max(0, Int(piece.start) - mark.count)
                let upper =
                    Int(piece.end) <= mark.count
                    ? start + min(firstLength, word.count) : start + Int(piece.end) - mark.count
                let origin =
                    aligned?.original(lower..<upper)
                    ?? AlignedText.Alignment(
                        start: Int32(truncatingIfNeeded: lower), end: Int32(truncatingIfNeeded: upper))
                sink.add(piece.id, start: origin.start, end: origin.end, word: index)
                if piece.id == model.unknownID {
                    let hasMark = piece.start == 0
                    let surface = (hasMark ? mark : []) + (lower..<upper).map { text[$0] }
                    sink.setSurface(
                        String(decoding: Int(piece.end) <= mark.count ? mark : surface, as: UTF8.self))
                }
            }
            index += 1
            if sink.isFull { return true }
        }
        return true
    }

    private func begins(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        guard start + mark.count <= end else { return false }
        for (k, byte) in mark.enumerated() where text[start + k] != byte { return false }
        return true
    }

    /// Where the tokens of a word, with the blank in front of it, are in the cache.
    @inline(__always)
    private func pieces(_ text: Span<UInt8>, _ word: Range<Int>, _ hash: UInt64, _ workspace: inout Workspace)
        -> Range<Int>
    {
        if let found = workspace.cache.find(text, word, hash: hash) { return found }
        return tokenize(text, word, hash, &workspace)
    }

    private func tokenize(_ text: Span<UInt8>, _ word: Range<Int>, _ hash: UInt64, _ workspace: inout Workspace)
        -> Range<Int>
    {
        var marked = mark
        marked.reserveCapacity(mark.count + word.count)
        for i in word { marked.append(text[i]) }
        workspace.pieces.removeAll(keepingCapacity: true)
        model.tokenize(marked.span, nodes: &workspace.nodes, pieces: &workspace.pieces)
        return workspace.cache.insert(text, word, hash: hash, workspace.pieces)
    }
}
