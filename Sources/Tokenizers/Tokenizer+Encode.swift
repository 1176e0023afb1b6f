extension Tokenizer {
    /// Encodes a text, or a pair of texts, with all that is known of each token.
    ///
    /// - Parameter truncation: how to shorten what is too long; `nil` keeps everything, whatever the tokenizer's own
    ///   file says.
    public func encode(
        _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation? = nil
    ) -> Encoding {
        withWorkspace { workspace in
            encode(text, pair: pair, addSpecialTokens: addSpecialTokens, truncation: truncation, &workspace)
        }
    }

    func encode(
        _ text: String, pair: String?, addSpecialTokens: Bool, truncation: Truncation?, _ workspace: inout Workspace
    ) -> Encoding {
        let first = tokens(of: text, workspace.tokens, &workspace)
        let second = pair.map { tokens(of: $0, workspace.pairTokens, &workspace) }
        defer {
            workspace.tokens = first
            if let second { workspace.pairTokens = second }
        }
        func compose(_ a: Range<Int>, _ b: Range<Int>) -> Encoding {
            pipeline.postProcessor.compose(first, a, second, b, addSpecialTokens: addSpecialTokens, vocabulary: table)
        }
        let whole = 0..<first.ids.count
        let secondWhole = 0..<(second?.ids.count ?? 0)
        guard let truncation else { return compose(whole, secondWhole) }
        let added = addSpecialTokens ? specialTokenCount(pair: pair != nil) : 0
        let lengths = truncation.lengths(
            first.ids.count, second?.ids.count, room: truncation.maxLength - added)
        let windows = truncation.windows(whole.count, length: lengths.first)
        let secondWindows = truncation.windows(secondWhole.count, length: lengths.second)
        var result = compose(windows[0], secondWindows[0])
        for window in windows.dropFirst() {
            for secondWindow in secondWindows { result.overflowing.append(compose(window, secondWindow)) }
        }
        for secondWindow in secondWindows.dropFirst() {
            result.overflowing.append(compose(windows[0], secondWindow))
        }
        return result
    }

    private func tokens(of text: String, _ buffer: TokenBuffer, _ workspace: inout Workspace) -> TokenBuffer {
        var buffer = buffer
        buffer.removeAll()
        let utf8 = text.utf8Span.span
        pipeline.encode(utf8, sink: &buffer, workspace: &workspace)
        buffer.convertToScalars(utf8, scratch: &workspace.scalars)
        return buffer
    }

    /// Appends the ids of a text to a buffer, and nothing else: no strings, no offsets, and no memory once the buffers
    /// have grown.
    ///
    /// - Parameter text: valid UTF-8.
    public func ids(
        ofUTF8 text: Span<UInt8>, addSpecialTokens: Bool = true, truncation: Truncation? = nil,
        appendingTo ids: inout [Int32]
    ) {
        // The workspace leaves its pool for the time of the call.
        var taken = takeWorkspace()
        self.ids(
            ofUTF8: text, addSpecialTokens: addSpecialTokens, truncation: truncation, appendingTo: &ids, &taken)
        giveBack(taken)
    }

    public func ids(_ text: String, addSpecialTokens: Bool = true, truncation: Truncation? = nil) -> [Int32] {
        var result: [Int32] = []
        ids(
            ofUTF8: text.utf8Span.span, addSpecialTokens: addSpecialTokens, truncation: truncation,
            appendingTo: &result)
        return result
    }

    func ids(
        ofUTF8 text: Span<UInt8>, addSpecialTokens: Bool, truncation: Truncation?, appendingTo ids: inout [Int32],
        _ workspace: inout Workspace
    ) {
        let pipeline = pipeline
        var room = Int.max
        if let truncation, truncation.strategy != .onlySecond {
            let added = addSpecialTokens ? pipeline.singleHead.count + pipeline.singleTail.count : 0
            room = max(0, truncation.maxLength - added)
        }
        if addSpecialTokens { ids.append(contentsOf: pipeline.singleHead) }
        let start = ids.count
        let isLeft = truncation?.side == .left
        var sink = IDSink(ids: [], limit: room < Int.max && !isLeft ? start + room : Int.max)
        swap(&sink.ids, &ids)
        pipeline.encode(text, sink: &sink, workspace: &workspace)
        swap(&sink.ids, &ids)
        if room < Int.max, ids.count - start > room {
            let excess = ids.count - start - room
            if isLeft { ids.removeSubrange(start..<start + excess) } else { ids.removeLast(excess) }
        }
        if addSpecialTokens { ids.append(contentsOf: pipeline.singleTail) }
    }

    /// The text as the model's first stage leaves it, added tokens included.
    public func normalize(_ text: String) -> String {
        let splits = pipeline.normalizedSplits(text.utf8Span.span, aligned: false)
        return String(decoding: splits.flatMap(\.text.bytes), as: UTF8.self)
    }

    /// The words that the model splits into tokens, in the normalized text.
    public func words(of text: String) -> [String] {
        pipeline.splits(text.utf8Span.span, aligned: false).map { String(decoding: $0.text.bytes, as: UTF8.self) }
    }
}
