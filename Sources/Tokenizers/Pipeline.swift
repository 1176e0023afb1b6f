/// The stages in order, and the shortcut through them where there is one.
struct Pipeline: Sendable {
    let normalizer: Normalizer?
    let preTokenizer: PreTokenizer?
    let model: Model
    let postProcessor: PostProcessor
    let decoder: Decoder?
    /// Added tokens looked for in the text as it came, and in the normalized text.
    private let rawTokens: AddedTokenMatcher
    private let normalizedTokens: AddedTokenMatcher
    private let bertLane: BertLane?
    /// Whether the tokens depend on where in the original text a part begins.
    private let needsAlignment: Bool

    init(_ parts: TokenizerParts) {
        normalizer = parts.normalizer
        preTokenizer = parts.preTokenizer
        model = parts.model
        postProcessor = parts.postProcessor
        decoder = parts.decoder
        rawTokens = AddedTokenMatcher(parts.addedTokens.filter { !$0.normalized }.map { ($0, Array($0.content.utf8)) })
        let normalizer = parts.normalizer
        normalizedTokens = AddedTokenMatcher(
            parts.addedTokens.filter(\.normalized).map {
                let content = Array($0.content.utf8)
                return ($0, normalizer?.normalized(content) ?? content)
            })
        bertLane = Self.bertLane(parts)
        needsAlignment = parts.preTokenizer?.dependsOnOrigin ?? false
    }

    /// What an added token looks like in normalized text.
    func normalizedContent(of token: AddedToken) -> [UInt8] {
        let content = Array(token.content.utf8)
        return token.normalized ? normalizer?.normalized(content) ?? content : content
    }

    private static func bertLane(_ parts: TokenizerParts) -> BertLane? {
        guard case .wordPiece(let wordPiece) = parts.model, case .bert = parts.preTokenizer else { return nil }
        switch parts.normalizer {
        case nil: return BertLane(wordPiece: wordPiece, normalizer: nil)
        case .bert(let normalizer): return BertLane(wordPiece: wordPiece, normalizer: normalizer)
        default: return nil
        }
    }

    /// Appends the tokens of a text.
    func encode<Sink: TokenSink>(_ text: Span<UInt8>, sink: inout Sink, workspace: inout Workspace) {
        guard let bertLane, normalizedTokens.isEmpty else {
            encodeGenerally(text, sink: &sink, workspace: &workspace)
            return
        }
        let mark = sink.mark
        var word: Int32 = 0
        if rawTokens.candidate(in: text, from: 0, to: text.count) == nil {
            if bertLane.encode(text, 0..<text.count, word: &word, sink: &sink, workspace: &workspace) { return }
        } else {
            var isClear = true
            for match in rawTokens.matches(in: text, 0..<text.count) {
                if sink.isFull { break }
                if let id = match.id {
                    addToken(id, text, match.range, word, &sink)
                    word += 1
                } else if !bertLane.encode(text, match.range, word: &word, sink: &sink, workspace: &workspace) {
                    isClear = false
                    break
                }
            }
            if isClear { return }
        }
        sink.reset(to: mark)
        encodeGenerally(text, sink: &sink, workspace: &workspace)
    }

    private func addToken<Sink: TokenSink>(
        _ id: Int32, _ text: Span<UInt8>, _ range: Range<Int>, _ word: Int32, _ sink: inout Sink
    ) {
        sink.add(
            id, start: Int32(truncatingIfNeeded: range.lowerBound), end: Int32(truncatingIfNeeded: range.upperBound),
            word: word)
        if sink.wantsOffsets, rawTokens.contentLength(of: id) != range.count {
            sink.setSurface(String(decoding: range.map { text[$0] }, as: UTF8.self))
        }
    }

    /// Every stage by itself, as the reference does it.
    func encodeGenerally<Sink: TokenSink>(_ text: Span<UInt8>, sink: inout Sink, workspace: inout Workspace) {
        var splits: [Split] = []
        for match in rawTokens.matches(in: text, 0..<text.count) where !match.range.isEmpty {
            var part = AlignedText(text, match.range, aligned: sink.wantsOffsets || needsAlignment)
            if match.id != nil {
                splits.append(Split(text: part, addedTokenID: match.id))
                continue
            }
            normalizer?.apply(&part)
            if normalizedTokens.isEmpty {
                part.dropUnalignedStart()
                if !part.isEmpty { splits.append(Split(text: part)) }
                continue
            }
            for found in normalizedTokens.matches(in: part.bytes.span, 0..<part.bytes.count)
            where !found.range.isEmpty {
                splits.append(Split(text: part.slice(found.range), addedTokenID: found.id))
            }
        }
        preTokenizer?.apply(&splits)
        for (word, split) in splits.enumerated() {
            if sink.isFull { return }
            let count = split.text.bytes.count
            let word = Int32(truncatingIfNeeded: word)
            if let id = split.addedTokenID {
                let range = split.text.original(0..<count)
                sink.add(id, start: range.start, end: range.end, word: word)
                if sink.wantsOffsets { sink.setSurface(String(decoding: split.text.bytes, as: UTF8.self)) }
                continue
            }
            model.tokenize(split.text.bytes.span, &workspace)
            for piece in workspace.pieces {
                let place = Int(piece.start)..<Int(piece.end)
                let range = split.text.original(place)
                sink.add(piece.id, start: range.start, end: range.end, word: word)
                if sink.wantsOffsets, model.spellsOutUnknown, piece.id == model.unknownID {
                    sink.setSurface(String(decoding: split.text.bytes[place], as: UTF8.self))
                }
            }
        }
    }
}
