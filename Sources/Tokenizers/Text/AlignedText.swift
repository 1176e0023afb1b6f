/// A text on its way through the normalizers: its bytes now, and for each byte the range of the original text it came
/// from.
///
/// Alignments follow the reference exactly, oddities included: what a rewriting yields is aligned by how many code
/// points it consumed so far, not by which code point it belongs to.
///
/// Source: Hugging Face tokenizers 0.23.3, `NormalizedString`.
struct AlignedText: Sendable {
    struct Alignment: Equatable, Sendable {
        var start: Int32
        var end: Int32
    }

    /// The text as it is now, in UTF-8.
    private(set) var bytes: [UInt8]
    /// For each byte the range of bytes of the original text; empty when nobody wants offsets.
    private(set) var alignments: [Alignment]
    /// Where this text begins in the whole original text, in bytes.
    private(set) var originalStart: Int32
    let isAligned: Bool

    /// A range of an original text, unchanged.
    init(_ original: Span<UInt8>, _ range: Range<Int>, aligned: Bool) {
        originalStart = Int32(truncatingIfNeeded: range.lowerBound)
        isAligned = aligned
        bytes = []
        bytes.reserveCapacity(range.count)
        alignments = []
        var i = range.lowerBound
        while i < range.upperBound {
            bytes.append(original[i])
            i += 1
        }
        if !aligned { return }
        alignments.reserveCapacity(range.count)
        i = range.lowerBound
        while i < range.upperBound {
            let length = original[i] < 0x80 ? 1 : min(UTF8Code.decode(original, at: i).length, range.upperBound - i)
            let alignment = Alignment(
                start: Int32(truncatingIfNeeded: i), end: Int32(truncatingIfNeeded: i + length))
            for _ in 0..<length { alignments.append(alignment) }
            i += length
        }
    }

    init(bytes: [UInt8]) {
        self.init(bytes.span, 0..<bytes.count, aligned: false)
    }

    private init(bytes: [UInt8], alignments: [Alignment], originalStart: Int32, isAligned: Bool) {
        self.bytes = bytes
        self.alignments = alignments
        self.originalStart = originalStart
        self.isAligned = isAligned
    }

    var isEmpty: Bool { bytes.isEmpty }

    /// The range of the original text that a range of bytes came from.
    @inline(__always)
    func original(_ range: Range<Int>) -> Alignment {
        if range.isEmpty || !isAligned { return Alignment(start: originalStart, end: originalStart) }
        return Alignment(start: alignments[range.lowerBound].start, end: alignments[range.upperBound - 1].end)
    }

    /// A part as a text of its own.
    func slice(_ range: Range<Int>) -> AlignedText {
        AlignedText(
            bytes: Array(bytes[range]), alignments: isAligned ? Array(alignments[range]) : [],
            originalStart: range.isEmpty ? originalStart : original(range).start, isAligned: isAligned)
    }

    /// Begins where the original of its first code point does, as a slice of the whole text would.
    mutating func dropUnalignedStart() {
        if let first = alignments.first { originalStart = first.start }
    }

    /// Rewrites the whole text. `body` emits the new code points through the rewriter it is given.
    ///
    /// - Parameter removingFirst: the number of code points dropped before the first one that is emitted.
    mutating func rewrite(removingFirst: Int = 0, _ body: (inout Rewriter, Span<UInt8>) -> Void) {
        // The reference begins after leading code points that came from nowhere, and leaves those in place.
        var start = 0
        if isAligned {
            if bytes.isEmpty { return }
            while start < alignments.count, alignments[start].start == alignments[start].end { start += 1 }
        }
        var rewriter = Rewriter(old: self, start: start)
        rewriter.skip(removingFirst)
        let old = bytes
        body(&rewriter, old.span)
        bytes = rewriter.bytes
        alignments = rewriter.alignments
    }

    /// Rewrites one code point at a time: `body` emits the first with change 0 and further ones with change 1.
    mutating func map(_ body: (UInt32, inout Rewriter) -> Void) {
        rewrite { rewriter, bytes in
            var i = 0
            while i < bytes.count {
                let (scalar, length) = UTF8Code.decode(bytes, at: i)
                body(scalar, &rewriter)
                i += length
            }
        }
    }

    /// Replaces each code point by one other.
    mutating func mapScalars(_ transform: (UInt32) -> UInt32) {
        rewrite { rewriter, bytes in
            var i = 0
            while i < bytes.count {
                let (scalar, length) = UTF8Code.decode(bytes, at: i)
                rewriter.emit(transform(scalar), change: 0)
                i += length
            }
        }
    }

    /// Removes the code points that do not pass.
    mutating func filter(_ isIncluded: (UInt32) -> Bool) {
        var removed = 0
        var kept: [(scalar: UInt32, change: Int)] = []
        kept.reserveCapacity(bytes.count)
        var isChanged = false
        var i = 0
        let old = bytes
        let span = old.span
        while i < span.count {
            let (scalar, length) = UTF8Code.decode(span, at: i)
            if isIncluded(scalar) {
                kept.append((scalar, 0))
            } else {
                isChanged = true
                if kept.isEmpty { removed += 1 } else { kept[kept.count - 1].change -= 1 }
            }
            i += length
        }
        if !isChanged { return }
        rewrite(removingFirst: removed) { rewriter, _ in
            for (scalar, change) in kept { rewriter.emit(scalar, change: change) }
        }
    }

    /// Puts code points before the text, aligned with its first code point. An empty text stays empty.
    mutating func prepend(_ prefix: [UInt32]) {
        guard !bytes.isEmpty, !prefix.isEmpty else { return }
        let first = alignments.first
        var encoded: [UInt8] = []
        for scalar in prefix { UTF8Code.append(scalar, to: &encoded) }
        bytes.insert(contentsOf: encoded, at: 0)
        if let first { alignments.insert(contentsOf: repeatElement(first, count: encoded.count), at: 0) }
    }

    /// Replaces ranges of the text, in ascending order, by other code points.
    mutating func replace(_ ranges: [Range<Int>], with content: [UInt8]) {
        if ranges.isEmpty { return }
        var newBytes: [UInt8] = []
        var newAlignments: [Alignment] = []
        newBytes.reserveCapacity(bytes.count)
        if isAligned { newAlignments.reserveCapacity(bytes.count) }
        var position = 0
        for range in ranges {
            newBytes.append(contentsOf: bytes[position..<range.lowerBound])
            newBytes.append(contentsOf: content)
            if isAligned {
                newAlignments.append(contentsOf: alignments[position..<range.lowerBound])
                // New code points share the alignment of the last one before them, which is the last one removed.
                let alignment =
                    range.upperBound > 0
                    ? (range.isEmpty && !newAlignments.isEmpty
                        ? newAlignments[newAlignments.count - 1] : alignments[range.upperBound - 1])
                    : Alignment(start: originalStart, end: originalStart)
                newAlignments.append(contentsOf: repeatElement(alignment, count: content.count))
            }
            position = range.upperBound
        }
        newBytes.append(contentsOf: bytes[position...])
        if isAligned { newAlignments.append(contentsOf: alignments[position...]) }
        bytes = newBytes
        alignments = newAlignments
    }
}

extension AlignedText {
    /// Collects the new text of a rewriting and aligns it.
    struct Rewriter {
        fileprivate(set) var bytes: [UInt8]
        fileprivate(set) var alignments: [Alignment]
        private let old: AlignedText
        /// Position in the old bytes of the next code point to consume.
        private var position: Int

        fileprivate init(old: AlignedText, start: Int) {
            self.old = old
            position = start
            bytes = []
            alignments = []
            bytes.reserveCapacity(old.bytes.count + 16)
            if old.isAligned { alignments.reserveCapacity(old.bytes.count + 16) }
            if start > 0 {
                bytes.append(contentsOf: old.bytes[..<start])
                alignments.append(contentsOf: old.alignments[..<start])
            }
        }

        /// Consumes code points of the old text without a trace.
        mutating func skip(_ count: Int) {
            if !old.isAligned { return }
            var next = position
            for _ in 0..<count where next < old.bytes.count {
                next += UTF8Code.decode(old.bytes.span, at: next).length
            }
            position = next
        }

        /// Appends a code point.
        ///
        /// - Parameter change: 0 when it replaces the next old code point, 1 when it is new, `-n` when it replaces
        ///   the next old code point and `n` more go without a trace.
        @inline(__always)
        mutating func emit(_ scalar: UInt32, change: Int) {
            UTF8Code.append(scalar, to: &bytes)
            if !old.isAligned { return }
            let alignment: Alignment
            if change > 0 {
                alignment =
                    position < 1
                    ? Alignment(start: old.originalStart, end: old.originalStart)
                    : old.alignments[min(position, old.alignments.count) - 1]
            } else {
                alignment = old.alignments[min(position, old.alignments.count - 1)]
                skip(1 - change)
            }
            for _ in 0..<UTF8Code.length(scalar) { alignments.append(alignment) }
        }
    }
}
