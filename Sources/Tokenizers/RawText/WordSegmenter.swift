import CICU
import Synchronization

/// A part of a raw text between two word breaks.
public struct TextSegment: Equatable, Sendable {
    /// What a segment holds, by the rule that ended it.
    public enum Kind: String, Sendable, CaseIterable {
        case letters
        case number
        /// Hiragana or Katakana.
        case kana
        case ideographs
        /// No word: blanks, punctuation, symbols, emoji.
        case other
    }

    public let kind: Kind
    /// In Unicode scalars of the text.
    public let range: Range<Int>
    /// In bytes of its UTF-8.
    public let utf8Range: Range<Int>

    public var isWord: Bool { kind != .other }
}

/// Divides raw text into words without a model, by Unicode's rules and, where words are not spaced (Chinese, Japanese,
/// Thai, Lao, Khmer, Burmese), by ICU's dictionaries.
///
/// Any number of threads may use one segmenter at once. Time is linear in the text.
///
///     let segmenter = try WordSegmenter()
///     segmenter.words(of: "สวัสดีชาวโลก, don't panic").map(\.text)    // สวัสดี ชาว โลก don't panic
///
/// Source: Unicode Standard Annex #29, "Unicode Text Segmentation", §4; ICU's word break iterator, root locale.
public final class WordSegmenter: Sendable {
    /// A word of a text.
    public struct Word: Equatable, Sendable {
        public let text: String
        public let segment: TextSegment
    }

    /// Iterators that no thread uses right now.
    private let idle: Mutex<[Breaks]>
    /// A longer text is divided in parts of this many UTF-16 units; ICU counts in 32 bits.
    private let unitLimit: Int

    /// One thread's iterator. Its owner passes it on as a whole.
    @safe private struct Breaks: @unchecked Sendable {
        // ICU allows an iterator to move between threads, and only one holder takes it from `idle` at a time.
        let handle: OpaquePointer

        init() throws(TokenizerError) {
            guard let opened = unsafe cicu_word_breaks_open() else { throw .wordBreaksUnavailable }
            unsafe handle = opened
        }
    }

    public convenience init() throws(TokenizerError) { try self.init(unitLimit: 1 << 28) }

    package init(unitLimit: Int) throws(TokenizerError) {
        self.unitLimit = unitLimit
        idle = Mutex([try Breaks()])
    }

    deinit {
        idle.withLock { iterators in
            for breaks in iterators { unsafe cicu_word_breaks_close(breaks.handle) }
            iterators.removeAll()
        }
    }

    /// The words of a text, without what stands between them.
    public func words(of text: String) -> [Word] {
        let segments = segments(of: text)
        let bytes = text.utf8Span.span
        return segments.lazy.filter(\.isWord).map { segment in
            Word(text: String(decoding: segment.utf8Range.map { bytes[$0] }, as: UTF8.self), segment: segment)
        }
    }

    /// All segments of a text, which cover it without gaps.
    public func segments(of text: String) -> [TextSegment] {
        let bytes = text.utf8Span.span
        guard let breaks = idle.withLock({ $0.popLast() }) ?? (try? Breaks()) else {
            preconditionFailure("no memory for another iterator")
        }
        defer { idle.withLock { $0.append(breaks) } }
        var segments: [TextSegment] = []
        var units: [UInt16] = []
        var start = (byte: 0, scalar: 0)
        while start.byte < bytes.count {
            var end = start.byte
            units.removeAll(keepingCapacity: true)
            while end < bytes.count, units.count < unitLimit {
                let (scalar, length) = UTF8Code.decode(bytes, at: end)
                for unit in UTF16.encode(Unicode.Scalar(scalar) ?? "\u{FFFD}")! { units.append(unit) }
                end += length
            }
            let first = segments.count
            divide(units, breaks) { unitCount, kind in
                var (byte, scalar, left) = (start.byte, start.scalar, unitCount)
                var kind = kind
                // One dictionary has both: what holds no ideograph is kana.
                if kind == .ideographs { kind = .kana }
                while left > 0 {
                    let (code, length) = UTF8Code.decode(bytes, at: byte)
                    if kind == .kana, Script(code) == .han { kind = .ideographs }
                    byte += length
                    scalar += 1
                    left -= length == 4 ? 2 : 1
                }
                segments.append(
                    TextSegment(kind: kind, range: start.scalar..<scalar, utf8Range: start.byte..<byte))
                start = (byte, scalar)
            }
            // The last segment of a part may go on in the next one.
            if end < bytes.count, segments.count > first + 1 {
                let last = segments.removeLast()
                start = (last.utf8Range.lowerBound, last.range.lowerBound)
            }
        }
        return segments
    }

    /// Calls `body` with the number of units and the kind of each segment.
    private func divide(_ units: [UInt16], _ breaks: Breaks, _ body: (Int, TextSegment.Kind) -> Void) {
        unsafe units.withUnsafeBufferPointer { buffer in
            let count = Int32(truncatingIfNeeded: buffer.count)
            let isSet = unsafe cicu_word_breaks_set_text(breaks.handle, buffer.baseAddress, count)
            precondition(isSet, "no memory for \(count) units")
            var start: Int32 = 0
            var kind = CICU_WORD_NONE
            while start < count {
                let end = unsafe cicu_word_breaks_next(breaks.handle, &kind)
                precondition(end > start, "a word break at \(end) after \(start)")
                body(Int(end - start), TextSegment.Kind(kind))
                start = end
            }
        }
    }
}

extension TextSegment.Kind {
    fileprivate init(_ kind: cicu_word_kind) {
        switch kind {
        case CICU_WORD_NUMBER: self = .number
        case CICU_WORD_LETTERS: self = .letters
        case CICU_WORD_KANA: self = .kana
        case CICU_WORD_IDEOGRAPHS: self = .ideographs
        default: self = .other
        }
    }
}
