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

    init(_ pieces: Vocabulary, charsmap: Charsmap?) {
        self.charsmap = charsmap
        var known = known
        known[0] |= 1 << 0x20
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

    /// `nil` for a text without long runs.
    func shorten(_ text: Span<UInt8>) -> Shortened? {
        if text.count < Self.limit { return nil }
        var result = Shortened()
        var copied = 0
        var i = 0
        while i < text.count {
            let start = i
            var count = 0
            var (head, tail) = (i, i)
            while i < text.count {
                let (scalar, length) = UTF8Code.decode(text, at: i)
                if known[Int(scalar >> 6)] >> UInt64(scalar & 63) & 1 == 1 { break }
                if charsmap?.knowsSequence(beginningWith: i..<i + length, of: text) ?? false { break }
                i += length
                count += 1
                if count <= Self.limit / 2 { head = i }
                tail = i
            }
            if count > Self.limit {
                for _ in 0..<Self.limit / 2 {
                    tail -= 1
                    while UTF8Code.isContinuation(text[tail]) { tail -= 1 }
                }
                for k in copied..<head { result.bytes.append(text[k]) }
                result.gaps.append((result.bytes.count, tail - head + (result.gaps.last?.missing ?? 0)))
                copied = tail
            }
            if i == start { i += UTF8Code.decode(text, at: i).length }
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
