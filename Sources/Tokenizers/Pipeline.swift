/// The stages in order, and the shortcut through them where there is one.
final class Pipeline: Sendable {
    let normalizer: Normalizer?
    let preTokenizer: PreTokenizer?
    let model: Model
    let postProcessor: PostProcessor
    let decoder: Decoder?
    /// The special tokens before and after a single text.
    let singleHead: [Int32]
    let singleTail: [Int32]
    /// Added tokens looked for in the text as it came, and in the normalized text.
    private let rawTokens: AddedTokenMatcher
    private let normalizedTokens: AddedTokenMatcher
    private let lane: Lane?
    /// Whether the tokens depend on where in the original text a part begins.
    private let needsAlignment: Bool

    init(_ parts: TokenizerParts) {
        normalizer = parts.normalizer
        preTokenizer = parts.preTokenizer
        model = parts.model
        postProcessor = parts.postProcessor
        decoder = parts.decoder
        var head: [Int32] = []
        var tail: [Int32] = []
        var isBefore = true
        for piece in parts.postProcessor.single {
            switch piece {
            case .sequence: isBefore = false
            case .special(let id, _, _): if isBefore { head.append(id) } else { tail.append(id) }
            }
        }
        singleHead = head
        singleTail = tail
        rawTokens = AddedTokenMatcher(
            parts.addedTokens.filter { !$0.normalized }.map { ($0, Array($0.content.utf8)) }, isFirst: true)
        let normalizer = parts.normalizer
        normalizedTokens = AddedTokenMatcher(
            parts.addedTokens.filter(\.normalized).map {
                let content = Array($0.content.utf8)
                return ($0, normalizer?.normalized(content) ?? content)
            }, isFirst: false)
        lane = Self.lane(parts)
        needsAlignment = parts.preTokenizer?.dependsOnOrigin ?? false
    }

    /// What an added token looks like in normalized text.
    func normalizedContent(of token: AddedToken) -> [UInt8] {
        let content = Array(token.content.utf8)
        return token.normalized ? normalizer?.normalized(content) ?? content : content
    }

    /// A shortcut through all stages for a common kind of pipeline.
    private enum Lane: Sendable {
        case bert(BertLane)
        case byteLevel(ByteLevelLane)
        case unigram(UnigramLane)
    }

    private static func lane(_ parts: TokenizerParts) -> Lane? {
        switch (parts.model, parts.preTokenizer) {
        case (.wordPiece(let model), .bert):
            switch parts.normalizer {
            case nil: return .bert(BertLane(wordPiece: model, normalizer: nil))
            case .bert(let normalizer): return .bert(BertLane(wordPiece: model, normalizer: normalizer))
            default: return nil
            }
        case (.bytePairEncoding(let model), .byteLevel(let addPrefixSpace, usesPattern: true)):
            return ByteLevelLane(model: model, addPrefixSpace: addPrefixSpace).map { .byteLevel($0) }
        case (.unigram(let model), .sequence(let members)):
            guard members.count == 2, case .whitespaceSplit = members[0], case .metaspace(let metaspace) = members[1],
                metaspace.prependScheme == .always, metaspace.splits
            else { return nil }
            return .unigram(UnigramLane(model: model, normalizer: parts.normalizer, mark: metaspace.replacement))
        default: return nil
        }
    }

    /// Appends the tokens of a text.
    func encode<Sink: TokenSink>(_ text: Span<UInt8>, sink: inout Sink, workspace: inout Workspace) {
        if case .sentencePiece(let model) = model {
            model.encode(text, sink: &sink, workspace: &workspace)
            return
        }
        guard let lane, normalizedTokens.isEmpty || normalizer == nil else {
            encodeGenerally(text, sink: &sink, workspace: &workspace)
            return
        }
        let mark = sink.mark
        var word: Int32 = 0
        if encode(
            text, 0..<text.count, rawTokens, lane, word: &word, sink: &sink, workspace: &workspace)
        {
            return
        }
        sink.reset(to: mark)
        encodeGenerally(text, sink: &sink, workspace: &workspace)
    }

    /// The lane's tokens of a part, between the added tokens that a matcher finds in it.
    private func encode<Sink: TokenSink>(
        _ text: Span<UInt8>, _ range: Range<Int>, _ matcher: AddedTokenMatcher, _ lane: Lane, word: inout Int32,
        sink: inout Sink, workspace: inout Workspace
    ) -> Bool {
        if matcher.candidate(in: text, from: range.lowerBound, to: range.upperBound) == nil {
            return encodePlain(text, range, matcher, lane, word: &word, sink: &sink, workspace: &workspace)
        }
        for match in matcher.matches(in: text, range) {
            if sink.isFull { return true }
            if let id = match.id {
                addToken(id, text, match.range, word, matcher, &sink)
                word += 1
            } else if !encodePlain(
                text, match.range, matcher, lane, word: &word, sink: &sink, workspace: &workspace)
            {
                return false
            }
        }
        return true
    }

    private func encodePlain<Sink: TokenSink>(
        _ text: Span<UInt8>, _ range: Range<Int>, _ matcher: AddedTokenMatcher, _ lane: Lane, word: inout Int32,
        sink: inout Sink, workspace: inout Workspace
    ) -> Bool {
        // Without a normalizer the second search for added tokens sees the same text as the first one.
        if matcher.isFirst, !normalizedTokens.isEmpty {
            return encode(
                text, range, normalizedTokens, lane, word: &word, sink: &sink, workspace: &workspace)
        }
        switch lane {
        case .bert(let lane):
            return lane.encode(text, range, word: &word, sink: &sink, workspace: &workspace)
        case .byteLevel(let lane):
            if let normalizer, !normalizer.keeps(text.extracting(range)) { return false }
            lane.encode(text, range, word: &word, sink: &sink, workspace: &workspace)
            return true
        case .unigram(let lane):
            return lane.encode(text, range, word: &word, sink: &sink, workspace: &workspace)
        }
    }

    private func addToken<Sink: TokenSink>(
        _ id: Int32, _ text: Span<UInt8>, _ range: Range<Int>, _ word: Int32, _ matcher: AddedTokenMatcher,
        _ sink: inout Sink
    ) {
        sink.add(
            id, start: Int32(truncatingIfNeeded: range.lowerBound), end: Int32(truncatingIfNeeded: range.upperBound),
            word: word)
        if sink.wantsOffsets, matcher.contentLength(of: id) != range.count {
            sink.setSurface(String(decoding: range.map { text[$0] }, as: UTF8.self))
        }
    }

    /// The words of a text: what the first two stages make of it.
    func splits(_ text: Span<UInt8>, aligned: Bool) -> [Split] {
        var splits = normalizedSplits(text, aligned: aligned)
        preTokenizer?.apply(&splits)
        return splits
    }

    /// The normalized text between added tokens, and those.
    func normalizedSplits(_ text: Span<UInt8>, aligned: Bool) -> [Split] {
        var splits: [Split] = []
        for match in rawTokens.matches(in: text, 0..<text.count) where !match.range.isEmpty {
            var part = AlignedText(text, match.range, aligned: aligned || needsAlignment)
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
        return splits
    }

    /// Every stage by itself, as the reference does it.
    func encodeGenerally<Sink: TokenSink>(_ text: Span<UInt8>, sink: inout Sink, workspace: inout Workspace) {
        for (word, split) in splits(text, aligned: sink.wantsOffsets).enumerated() {
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
