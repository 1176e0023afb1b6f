/// Takes the inside out of long runs of code points that a SentencePiece model does not know, and puts places back.
///
/// A run becomes one unknown token whatever its length, but the library copies what it has of that token again for every
/// code point: a megabyte of them would take minutes.
struct UnknownRuns: Sendable {
    /// Shorter runs are left alone; as much of a longer one stays, half of it at either end.
    static let limit = 256

    /// One bit for each code point that stands in a piece, or for a blank.
    private var known = [UInt64](repeating: 0, count: 0x110000 / 64)
    private let charsmap: Charsmap?
    /// Whether the library's normalization can be followed from sequence to sequence. Elsewhere a run ends wherever a
    /// sequence could begin.
    private let followsSequences: Bool

    /// - Parameter hasUserDefined: whether the library looks for pieces before it normalizes.
    init(_ pieces: Vocabulary, charsmap: Charsmap?, hasUserDefined: Bool) {
        self.charsmap = charsmap
        // No sequence that begins before a run reaches over what stays of its beginning.
        followsSequences = !hasUserDefined && charsmap.map { 1...Self.limit / 2 ~= $0.depth } ?? false
        var known = known
        for blank in [0x20, 0x2581] { known[blank >> 6] |= 1 << UInt64(blank & 63) }
        pieces.forEach { piece, _ in
            let bytes = piece.span
            var i = 0
            while i < bytes.count {
                let (scalar, length) = UTF8Code.decode(bytes, at: i)
                known[Int(scalar >> 6)] |= 1 << UInt64(scalar & 63)
                i += length
            }
        }
        self.known = known
    }

    /// A text with shorter runs.
    struct Shortened {
        var bytes: [UInt8] = []
        /// Where bytes are missing, as places of the shortened text, and how many are before the rest.
        var gaps: [(place: Int, missing: Int)] = []
    }

    private func isKnown(_ scalar: UInt32) -> Bool { known[Int(scalar >> 6)] >> UInt64(scalar & 63) & 1 == 1 }

    /// Whether a text has long runs, if sequences are left out of account.
    private func hasRuns(_ text: Span<UInt8>) -> Bool {
        var count = 0
        var i = 0
        while i < text.count {
            let (scalar, length) = UTF8Code.decode(text, at: i)
            count = isKnown(scalar) ? 0 : count + 1
            if count > Self.limit { return true }
            i += length
        }
        return false
    }

    /// Where what the library normalizes at once ends, a sequence or a code point, and whether all of it is unknown.
    private func unit(_ text: Span<UInt8>, at start: Int) -> (end: Int, isUnknown: Bool) {
        let (scalar, length) = UTF8Code.decode(text, at: start)
        let isUnknown = !isKnown(scalar)
        guard let charsmap else { return (start + length, isUnknown) }
        if !followsSequences {
            let begins = isUnknown && charsmap.knowsSequence(beginningWith: start..<start + length, of: text)
            return (start + length, isUnknown && !begins)
        }
        guard let (replacement, end) = charsmap.longestMatch(in: text, at: start) else {
            return (start + length, isUnknown)
        }
        if !isUnknown || replacement.isEmpty { return (end, false) }
        let replacements = charsmap.replacements
        var i = replacement.lowerBound
        while i < replacement.upperBound {
            let (scalar, length) = UTF8Code.decode(replacements.span, at: i)
            if isKnown(scalar) { return (end, false) }
            i += length
        }
        return (end, true)
    }

    /// Whether the last units before a cut stay what they are when they stand before its other end.
    ///
    /// - Parameter starts: of the units before the cut.
    private func keepsUnits(_ text: Span<UInt8>, _ starts: ArraySlice<Int>, _ head: Int, _ tail: Int) -> Bool {
        guard let charsmap, followsSequences else { return true }
        let first = starts.first { $0 > head - charsmap.depth } ?? head
        var bytes: [UInt8] = []
        for i in first..<head { bytes.append(text[i]) }
        for i in tail..<min(text.count, tail + charsmap.depth + 4) { bytes.append(text[i]) }
        var i = 0
        while i < head - first { i = unit(bytes.span, at: i).end }
        return i == head - first
            && starts.drop { $0 < first }.allSatisfy { start in
                unit(bytes.span, at: start - first).end + first == min(unit(text, at: start).end, head)
            }
    }

    /// `nil` for a text without long runs.
    func shorten(_ text: Span<UInt8>) -> Shortened? {
        if text.count < Self.limit || !hasRuns(text) { return nil }
        let half = Self.limit / 2
        var result = Shortened()
        var copied = 0
        var i = 0
        /// Where the units of a run begin.
        var starts: [Int] = []
        while i < text.count {
            let unit = unit(text, at: i)
            if unit.isUnknown { starts.append(i) }
            if unit.isUnknown, unit.end < text.count {
                i = unit.end
                continue
            }
            if starts.count > Self.limit {
                let head = starts[half]
                for place in (starts.count - half - 8...starts.count - half).reversed() where place > half {
                    let tail = starts[place]
                    guard keepsUnits(text, starts[..<half], head, tail) else { continue }
                    for k in copied..<head { result.bytes.append(text[k]) }
                    result.gaps.append((result.bytes.count, tail - head + (result.gaps.last?.missing ?? 0)))
                    copied = tail
                    break
                }
            }
            starts.removeAll(keepingCapacity: true)
            i = unit.end
        }
        if result.gaps.isEmpty { return nil }
        for k in copied..<text.count { result.bytes.append(text[k]) }
        return result
    }
}

extension UnknownRuns.Shortened {
    /// Moves places, in ascending order, from the shortened text to the whole one.
    func restore(_ places: inout [Int32], count: Int) {
        var gap = 0
        var missing = 0
        for i in 0..<count {
            while gap < gaps.count, gaps[gap].place < Int(places[i]) {
                missing = gaps[gap].missing
                gap += 1
            }
            places[i] += Int32(truncatingIfNeeded: missing)
        }
    }
}
