/// Receives the tokens of one text. Concrete sinks are specialized into the hot loops.
protocol TokenSink {
    /// Whether further tokens would be thrown away.
    var isFull: Bool { get }
    var wantsOffsets: Bool { get }
    /// - Parameters:
    ///   - start: the token's range in the original text, in bytes.
    ///   - word: the index of the word it belongs to.
    mutating func add(_ id: Int32, start: Int32, end: Int32, word: Int32)
    /// Names the text of the token added last, where it is not the vocabulary's.
    mutating func setSurface(_ surface: @autoclosure () -> String)
    /// The number of tokens so far, and back to it.
    var mark: Int { get }
    mutating func reset(to mark: Int)
}

/// Only the ids, appended to a caller's buffer.
struct IDSink: TokenSink {
    var ids: [Int32]
    /// The number of ids at which the rest of the text does not matter.
    var limit: Int
    var wantsOffsets: Bool { false }
    var isFull: Bool { ids.count >= limit }

    @inline(__always)
    mutating func add(_ id: Int32, start: Int32, end: Int32, word: Int32) { ids.append(id) }
    @inline(__always)
    mutating func setSurface(_ surface: @autoclosure () -> String) {}
    var mark: Int { ids.count }
    mutating func reset(to mark: Int) { ids.removeLast(ids.count - mark) }
}

/// All there is to know about the tokens of one text.
struct TokenBuffer: TokenSink, Sendable {
    var ids: [Int32] = []
    /// Ranges of the original text: first in bytes, after `convertToScalars` in code points.
    var offsets: [AlignedText.Alignment] = []
    var words: [Int32] = []
    /// Texts of tokens that differ from the vocabulary's, by token index in ascending order.
    var surfaces: [(index: Int, text: String)] = []
    var wantsOffsets: Bool { true }
    var isFull: Bool { false }

    @inline(__always)
    mutating func add(_ id: Int32, start: Int32, end: Int32, word: Int32) {
        ids.append(id)
        offsets.append(AlignedText.Alignment(start: start, end: end))
        words.append(word)
    }

    mutating func setSurface(_ surface: @autoclosure () -> String) { surfaces.append((ids.count - 1, surface())) }

    var mark: Int { ids.count }

    mutating func reset(to mark: Int) {
        ids.removeLast(ids.count - mark)
        offsets.removeLast(offsets.count - mark)
        words.removeLast(words.count - mark)
        surfaces.removeAll { $0.index >= mark }
    }

    mutating func removeAll() {
        ids.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        surfaces.removeAll(keepingCapacity: true)
    }

    /// Turns offsets in bytes into offsets in code points. An offset inside a code point counts as the code point.
    ///
    /// - Parameter scratch: a buffer that this grows as it needs.
    mutating func convertToScalars(_ text: Span<UInt8>, scratch: inout [Int32]) {
        var isASCII = true
        for i in text.indices where text[i] >= 0x80 {
            isASCII = false
            break
        }
        if isASCII { return }
        if scratch.count <= text.count { scratch = [Int32](repeating: 0, count: text.count + text.count / 2 + 64) }
        var scalars: Int32 = -1
        for i in text.indices {
            if !UTF8Code.isContinuation(text[i]) { scalars += 1 }
            scratch[i] = scalars
        }
        scratch[text.count] = scalars + 1
        for i in offsets.indices {
            offsets[i] = AlignedText.Alignment(
                start: scratch[min(Int(offsets[i].start), text.count)],
                end: scratch[min(Int(offsets[i].end), text.count)])
        }
    }
}
