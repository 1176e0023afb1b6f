/// BERT's whole pipeline in one walk over a text: normalization, words and pieces without a copy of the text.
///
/// Per code point there is little to decide, so a table answers it: what it becomes, and whether it ends a word. Only
/// where code points act on each other (a combining mark that survives, which canonical order may move) does the text
/// take the general way through `AlignedText`; `encode` says so and adds nothing.
///
/// A class, so that threads share one reference count per text and not those of all its tables.
final class BertLane: Sendable {
    private let wordPiece: WordPiece
    private let normalizer: BertNormalizer?
    /// What each ASCII code point is and becomes: the action below, and the byte above it.
    private let ascii: [UInt16]
    /// The same for the Basic Multilingual Plane.
    private let plane: [UInt32]
    /// Code points of entries that become several: a count, then that many.
    private let sequences: [UInt32]

    /// The lower three bits of an entry.
    private enum Action {
        /// A part of a word; the rest is the code point it becomes.
        static let letter: UInt32 = 0
        static let space: UInt32 = 1
        /// A word of its own; the rest is the code point it becomes.
        static let isolated: UInt32 = 2
        static let removed: UInt32 = 3
        /// A part of a word; the rest is the place of its code points in `sequences`.
        static let letters: UInt32 = 4
        /// The general way has to decide.
        static let unclear: UInt32 = 5
    }

    init(wordPiece: WordPiece, normalizer: BertNormalizer?) {
        self.wordPiece = wordPiece
        self.normalizer = normalizer
        var sequences: [UInt32] = []
        var plane = [UInt32](repeating: Action.unclear, count: 0x10000)
        for scalar in UInt32(0)..<0x10000 where !(0xD800..<0xE000).contains(scalar) {
            plane[Int(scalar)] = Self.entry(scalar, normalizer, &sequences)
        }
        self.plane = plane
        self.sequences = sequences
        ascii = (0..<128).map { UInt16(plane[$0] >> 3) << 3 | UInt16(plane[$0] & 7) }
    }

    /// The entry of a code point that becomes one other or stays, without a detour over arrays.
    @inline(__always)
    private static func simpleEntry(_ scalar: UInt32, _ normalizer: BertNormalizer?) -> UInt32? {
        var properties = FrozenProperties(scalar)
        var output = scalar
        var isIsolated = false
        if let normalizer {
            if scalar == Lowercase.capitalIWithDotAbove { return nil }
            if normalizer.cleanText {
                if BertNormalizer.isRemoved(scalar) { return Action.removed }
                if properties.contains(.whitespace) { return Action.space }
            }
            isIsolated = normalizer.handleChineseChars && BertNormalizer.isChinese(scalar)
            if normalizer.stripsAccents {
                guard NormalizationData.isInert(scalar, compatibility: false) else { return nil }
                if properties.contains(.nonspacingMark) { return Action.removed }
            }
            if normalizer.lowercase {
                output = Lowercase.simple(scalar)
                if output != scalar { properties = FrozenProperties(output) }
            }
        }
        if properties.contains(.whitespace) { return Action.space }
        return output << 3 | (isIsolated || properties.contains(.punctuation) ? Action.isolated : Action.letter)
    }

    private static func entry(_ scalar: UInt32, _ normalizer: BertNormalizer?, _ sequences: inout [UInt32]) -> UInt32 {
        // Most of the plane: Chinese characters that stay as they are.
        if (0x4E00...0x9FFF).contains(scalar) || (0x3400...0x4DBF).contains(scalar),
            normalizer?.handleChineseChars ?? false
        {
            return scalar << 3 | Action.isolated
        }
        if let entry = simpleEntry(scalar, normalizer) { return entry }
        var output = [scalar]
        var isIsolated = false
        if let normalizer {
            if normalizer.cleanText {
                if BertNormalizer.isRemoved(scalar) { return Action.removed }
                if FrozenProperties(scalar).contains(.whitespace) { return Action.space }
            }
            isIsolated = normalizer.handleChineseChars && BertNormalizer.isChinese(scalar)
            if normalizer.stripsAccents {
                let parts = NormalizationData.decomposition(scalar, compatibility: false)
                if !parts.isEmpty { output = parts }
                output.removeAll { FrozenProperties($0).contains(.nonspacingMark) }
                if output.isEmpty { return Action.removed }
                if output.contains(where: { NormalizationData.combiningClass($0) != 0 }) { return Action.unclear }
            }
            if normalizer.lowercase {
                output = output.flatMap {
                    $0 == Lowercase.capitalIWithDotAbove ? [0x69, 0x307] : [Lowercase.simple($0)]
                }
            }
        }
        if output.count == 1 {
            let properties = FrozenProperties(output[0])
            if properties.contains(.whitespace) { return Action.space }
            isIsolated = isIsolated || properties.contains(.punctuation)
            return output[0] << 3 | (isIsolated ? Action.isolated : Action.letter)
        }
        if isIsolated
            || output.contains(where: { !FrozenProperties($0).isDisjoint(with: [.whitespace, .punctuation]) })
        {
            return Action.unclear
        }
        sequences.append(UInt32(output.count))
        sequences.append(contentsOf: output)
        return UInt32(sequences.count - output.count - 1) << 3 | Action.letters
    }

    /// The normalized bytes of one word and, where it is not plain ASCII, where each came from.
    private struct Word {
        var bytes: [UInt8]
        var alignments: [AlignedText.Alignment]
        var count = 0
        var state = Vocabulary.seed
        var characters = 0
        /// The range of the original text from the first code point that stayed to the last one.
        var start: Int32 = -1
        var end: Int32 = -1

        mutating func clear() {
            count = 0
            state = Vocabulary.seed
            characters = 0
            start = -1
            end = -1
            alignments.removeAll(keepingCapacity: true)
        }
    }

    /// Appends the tokens of a part of a text.
    ///
    /// - Parameter word: the index of the first word; afterwards of the next one.
    /// - Returns: `false` when the text needs the general way; then the sink may hold tokens to be dropped.
    func encode<Sink: TokenSink>(
        _ text: Span<UInt8>, _ range: Range<Int>, word index: inout Int32, sink: inout Sink,
        workspace: inout Workspace
    ) -> Bool {
        // Out of the workspace for the time of the call: locals that nothing else can touch.
        var word = Word(bytes: [], alignments: [])
        swap(&word.bytes, &workspace.word)
        swap(&word.alignments, &workspace.wordAlignments)
        defer {
            swap(&word.bytes, &workspace.word)
            swap(&word.alignments, &workspace.wordAlignments)
        }
        let end = range.upperBound
        var i = range.lowerBound
        while i < end {
            // Between words.
            let byte = text[i]
            if byte < 0x80 {
                let entry = UInt32(ascii[Int(byte)])
                switch entry & 7 {
                case Action.letter: break
                case Action.space, Action.removed:
                    i += 1
                    continue
                case Action.isolated:
                    addIsolated(entry >> 3, i, i + 1, index, &sink)
                    index += 1
                    i += 1
                    if sink.isFull { return true }
                    continue
                default: return false
                }
            }
            // A word of ASCII letters, the usual case.
            let start = i
            var state = Vocabulary.seed
            var count = 0
            while i < end, count < 256 {
                let byte = text[i]
                if byte >= 0x80 { break }
                let entry = ascii[Int(byte)]
                if entry & 7 != 0 { break }
                let letter = UInt8(truncatingIfNeeded: entry >> 3)
                word.bytes[count] = letter
                state = Vocabulary.step(state, letter)
                count += 1
                i += 1
            }
            var endsHere = i == end
            if !endsHere, count < 256, text[i] < 0x80 {
                let action = UInt32(ascii[Int(text[i])] & 7)
                endsHere = action == Action.space || action == Action.isolated
            }
            if endsHere {
                let shift = Int32(truncatingIfNeeded: start)
                if count <= wordPiece.maxInputCharsPerWord,
                    let id = wordPiece.vocabulary.find(word.bytes.span, 0..<count, state: state)
                {
                    sink.add(id, start: shift, end: Int32(truncatingIfNeeded: i), word: index)
                } else {
                    wordPiece.tokenize(
                        word.bytes.span, count: count, state: state, characters: count, scratch: &workspace.hashes,
                        pieces: &workspace.pieces)
                    for piece in workspace.pieces {
                        sink.add(piece.id, start: shift + piece.start, end: shift + piece.end, word: index)
                    }
                }
                index += 1
            } else {
                guard
                    let next = encodeMixed(
                        text, start..<end, word: &word, index: &index, sink: &sink, workspace: &workspace)
                else { return false }
                i = next
            }
            if sink.isFull { return true }
        }
        return true
    }

    /// A word with more than ASCII letters in it, or an overlong one, and the single code point that ends it.
    ///
    /// - Returns: where it ended, or `nil` when the text needs the general way.
    private func encodeMixed<Sink: TokenSink>(
        _ text: Span<UInt8>, _ range: Range<Int>, word: inout Word, index: inout Int32, sink: inout Sink,
        workspace: inout Workspace
    ) -> Int? {
        word.clear()
        var i = range.lowerBound
        while i < range.upperBound {
            let (scalar, length) = UTF8Code.decode(text, at: i)
            if scalar < 0x10000 {
                let entry = plane[Int(scalar)]
                switch entry & 7 {
                case Action.letter: append(entry >> 3, i..<i + length, &word, sink.wantsOffsets)
                case Action.removed: break
                case Action.letters:
                    let place = Int(entry >> 3)
                    for k in 1...Int(sequences[place]) {
                        append(sequences[place + k], i..<i + length, &word, sink.wantsOffsets)
                    }
                case Action.space, Action.isolated:
                    addMixed(word, &index, &sink, &workspace)
                    if entry & 7 == Action.isolated {
                        addIsolated(entry >> 3, i, i + length, index, &sink)
                        index += 1
                    }
                    return i + length
                default: return nil
                }
            } else {
                var parts: [UInt32] = []
                let entry = Self.entry(scalar, normalizer, &parts)
                switch entry & 7 {
                case Action.letter: append(entry >> 3, i..<i + length, &word, sink.wantsOffsets)
                case Action.removed: break
                case Action.letters:
                    for part in parts.dropFirst() { append(part, i..<i + length, &word, sink.wantsOffsets) }
                case Action.space, Action.isolated:
                    addMixed(word, &index, &sink, &workspace)
                    if entry & 7 == Action.isolated {
                        addIsolated(entry >> 3, i, i + length, index, &sink)
                        index += 1
                    }
                    return i + length
                default: return nil
                }
            }
            i += length
        }
        addMixed(word, &index, &sink, &workspace)
        return i
    }

    /// Appends a code point to a word that is not plain ASCII.
    @inline(__always)
    private func append(_ scalar: UInt32, _ origin: Range<Int>, _ word: inout Word, _ wantsOffsets: Bool) {
        word.characters += 1
        let alignment = AlignedText.Alignment(
            start: Int32(truncatingIfNeeded: origin.lowerBound), end: Int32(truncatingIfNeeded: origin.upperBound))
        if word.start < 0 { word.start = alignment.start }
        word.end = alignment.end
        // A word this long is unknown whatever follows.
        if word.characters > wordPiece.maxInputCharsPerWord { return }
        if word.bytes.count < word.count + 8 {
            word.bytes.append(contentsOf: repeatElement(0, count: word.bytes.count + 8))
        }
        let (bytes, count) = UTF8Code.encode(scalar)
        for i in 0..<count {
            let byte = UInt8(truncatingIfNeeded: bytes >> (8 * UInt32(i)))
            word.bytes[word.count] = byte
            word.count += 1
            word.state = Vocabulary.step(word.state, byte)
            if wantsOffsets { word.alignments.append(alignment) }
        }
    }

    @inline(__always)
    private func addMixed<Sink: TokenSink>(
        _ word: borrowing Word, _ index: inout Int32, _ sink: inout Sink, _ workspace: inout Workspace
    ) {
        if word.characters == 0 { return }
        wordPiece.tokenize(
            word.bytes.span, count: word.count, state: word.state, characters: word.characters,
            scratch: &workspace.hashes, pieces: &workspace.pieces)
        let isOverlong = word.characters > wordPiece.maxInputCharsPerWord
        for piece in workspace.pieces {
            if isOverlong || !sink.wantsOffsets {
                sink.add(piece.id, start: word.start, end: word.end, word: index)
            } else {
                sink.add(
                    piece.id, start: word.alignments[Int(piece.start)].start,
                    end: word.alignments[Int(piece.end) - 1].end, word: index)
            }
        }
        index += 1
    }

    @inline(__always)
    private func addIsolated<Sink: TokenSink>(
        _ scalar: UInt32, _ start: Int, _ end: Int, _ index: Int32, _ sink: inout Sink
    ) {
        let (code, count) = UTF8Code.encode(scalar)
        let bytes: InlineArray<4, UInt8> = [
            UInt8(truncatingIfNeeded: code), UInt8(truncatingIfNeeded: code >> 8),
            UInt8(truncatingIfNeeded: code >> 16), UInt8(truncatingIfNeeded: code >> 24),
        ]
        var state = Vocabulary.seed
        for i in 0..<count { state = Vocabulary.step(state, bytes[i]) }
        let id =
            wordPiece.maxInputCharsPerWord < 1
            ? nil : wordPiece.vocabulary.find(bytes.span, 0..<count, state: state)
        sink.add(
            id ?? wordPiece.unknownID, start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end),
            word: index)
    }
}
