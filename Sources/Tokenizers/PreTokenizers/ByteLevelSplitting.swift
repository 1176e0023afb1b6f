/// The cutting of texts before byte-level models: contractions, letters, numbers and other runs, each with the blank in
/// front of it.
///
/// Equal to the regular expression `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
/// which the tests hold against it.
///
/// Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", `encoder.py`.
enum ByteLevelSplitting {
    @usableFromInline enum Kind: UInt8 { case letter, number, space, other }

    /// The kind of each ASCII code point.
    private static let ascii: [Kind] = (0..<128).map { kind(of: FrozenProperties(UInt32($0))) }

    @inline(__always)
    private static func kind(of properties: FrozenProperties) -> Kind {
        properties.contains(.patternLetter)
            ? .letter
            : properties.contains(.patternNumber) ? .number : properties.contains(.patternSpace) ? .space : .other
    }

    @inline(__always)
    private static func kind(_ text: Span<UInt8>, _ i: Int, _ ascii: [Kind]) -> (kind: Kind, length: Int) {
        let byte = text[i]
        if byte < 0x80 { return (ascii[Int(byte)], 1) }
        let (scalar, length) = UTF8Code.decode(text, at: i)
        return (kind(of: FrozenProperties(scalar)), length)
    }

    /// Calls `body` with the range of each word in turn, until it returns false.
    @inline(__always)
    static func forEachWord(_ text: Span<UInt8>, _ whole: Range<Int>, _ body: (Range<Int>) -> Bool) {
        let ascii = Self.ascii
        let end = whole.upperBound
        var i = whole.lowerBound
        while i < end {
            let start = i
            var (kind, length) = kind(text, i, ascii)
            if text[i] == UInt8(ascii: "'"), let contraction = contraction(text, i, end) {
                i += contraction
            } else if kind == .space {
                var next = i + length
                if text[i] == 0x20, next < end {
                    (kind, length) = self.kind(text, next, ascii)
                }
                if kind == .space {
                    // The whole run at the end of the text, else all of it but the last blank.
                    var last = i
                    next = i
                    while next < end {
                        let (kind, length) = self.kind(text, next, ascii)
                        if kind != .space { break }
                        last = next
                        next += length
                    }
                    i = next == end || last == start ? next : last
                } else {
                    i = run(kind, text, next + length, end, ascii)
                }
            } else {
                i = run(kind, text, i + length, end, ascii)
            }
            if !body(start..<i) { return }
        }
    }

    @inline(__always)
    private static func run(_ kind: Kind, _ text: Span<UInt8>, _ start: Int, _ end: Int, _ ascii: [Kind]) -> Int {
        var i = start
        while i < end {
            let (next, length) = self.kind(text, i, ascii)
            if next != kind { break }
            i += length
        }
        return i
    }

    /// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d`.
    private static func contraction(_ text: Span<UInt8>, _ i: Int, _ end: Int) -> Int? {
        guard i + 1 < end else { return nil }
        let first = text[i + 1]
        switch first {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        default: break
        }
        guard i + 2 < end else { return nil }
        let second = text[i + 2]
        let isPair =
            (first == UInt8(ascii: "r") || first == UInt8(ascii: "v")) && second == UInt8(ascii: "e")
            || first == UInt8(ascii: "l") && second == UInt8(ascii: "l")
        return isPair ? 3 : nil
    }
}
