/// SentencePiece's precompiled normalization: a double array of byte sequences and what they become.
///
/// SentencePiece replaces the longest sequence that begins at a place. Hugging Face's tokenizers look at one grapheme
/// cluster, then at its code points one by one, and take the shortest sequence: half-width kana with a voicing mark come
/// out differently, for example.
///
/// Source: SentencePiece, `normalizer.cc`; Yata et al. 2008, "Darts-clone"; Hugging Face tokenizers 0.23.3,
/// `Precompiled`.
final class Charsmap: Sendable {
    enum Problem: String, Error {
        case tooShort = "too short"
        case sizeMismatch = "its trie is larger than the map"
        case pointsOutside = "it points outside itself"
        case isCyclic = "its trie has a loop"
        case isTooDeep = "its sequences are too long"
        case hasTooManyPrefixes = "too many of its sequences begin with one another"
    }

    /// A map for the longest sequence is surveyed when it is read; every step through the other is checked.
    enum Matching: Sendable { case longest, graphemeClusters }

    private let matching: Matching
    private let units: [UInt32]
    /// Replacements, each ended by a zero byte.
    let replacements: [UInt8]
    /// Whether each ASCII code point stays what it is, whatever other ones follow.
    private let isKept: [Bool]
    /// The bytes of the longest sequence; 0 where nobody asked for it.
    let depth: Int

    convenience init(_ blob: [UInt8], matching: Matching = .graphemeClusters) throws(Problem) {
        guard blob.count >= 4 else { throw .tooShort }
        let size = Int(Self.word(blob, 0))
        guard size % 4 == 0, size <= blob.count - 4 else { throw .sizeMismatch }
        let units = (0..<size / 4).map { Self.word(blob, 4 + 4 * $0) }
        let replacements = Array(blob[(4 + size)...])
        let isKept: [Bool]
        var depth = 0
        switch matching {
        case .longest:
            let survey = try CharsmapSurvey(units: units, replacements: replacements)
            (isKept, depth) = (survey.isKept, survey.depth)
        case .graphemeClusters:
            let plain = Charsmap(units: units, replacements: replacements, isKept: [], depth: 0, matching: matching)
            isKept = (0..<128).map { code in
                let byte = [UInt8(truncatingIfNeeded: code)]
                return plain.replacement(byte.span, 0..<1, matching) == nil
            }
        }
        self.init(units: units, replacements: replacements, isKept: isKept, depth: depth, matching: matching)
    }

    private init(units: [UInt32], replacements: [UInt8], isKept: [Bool], depth: Int, matching: Matching) {
        self.matching = matching
        self.units = units
        self.replacements = replacements
        self.isKept = isKept
        self.depth = depth
    }

    private static func word(_ bytes: [UInt8], _ i: Int) -> UInt32 {
        UInt32(bytes[i]) | UInt32(bytes[i + 1]) << 8 | UInt32(bytes[i + 2]) << 16 | UInt32(bytes[i + 3]) << 24
    }

    /// How far a node's children are from it.
    static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 1 << 9) >> 6) }

    /// What stands for a beginning of a range that the map knows, and where that ends: the longest one that ends a code
    /// point, or the shortest.
    private func replacement(_ bytes: Span<UInt8>, _ range: Range<Int>, _ matching: Matching)
        -> (range: Range<Int>, end: Int)?
    {
        guard !units.isEmpty else { return nil }
        var node = Self.offset(units[0])
        var longest: (start: Int, end: Int)?
        for i in range {
            let byte = bytes[i]
            if byte == 0 { break }
            node ^= Int(byte)
            guard node < units.count else { break }
            let unit = units[node]
            if unit & (1 << 31 | 0xFF) != UInt32(byte) { break }
            node ^= Self.offset(unit)
            if unit >> 8 & 1 == 1 {
                guard node < units.count else { break }
                let start = Int(units[node] & (1 << 31 - 1))
                guard start <= replacements.count else { break }
                let endsScalar = i + 1 == range.upperBound || !UTF8Code.isContinuation(bytes[i + 1])
                if matching == .graphemeClusters || endsScalar { longest = (start, i + 1) }
                if matching == .graphemeClusters { break }
            }
        }
        guard let (start, matchEnd) = longest else { return nil }
        var end = start
        while end < replacements.count, replacements[end] != 0 { end += 1 }
        return (start..<end, matchEnd)
    }

    /// The longest sequence that begins at a place: where it ends, and what stands for it.
    func longestMatch(in bytes: Span<UInt8>, at start: Int) -> (replacement: Range<Int>, end: Int)? {
        replacement(bytes, start..<bytes.count, .longest).map { ($0.range, $0.end) }
    }

    /// Whether a sequence that the map knows begins with the code point in a range.
    func knowsSequence(beginningWith range: Range<Int>, of bytes: Span<UInt8>) -> Bool {
        guard !units.isEmpty else { return false }
        var node = Self.offset(units[0])
        for i in range {
            node ^= Int(bytes[i])
            guard node < units.count else { return false }
            let unit = units[node]
            if unit & (1 << 31 | 0xFF) != UInt32(bytes[i]) { return false }
            node ^= Self.offset(unit)
        }
        return true
    }

    /// Whether a text of ASCII stays as it is.
    func keeps(_ bytes: Span<UInt8>) -> Bool {
        for i in bytes.indices {
            let byte = bytes[i]
            if byte >= 0x80 || !isKept[Int(byte)] || byte == 0x0D { return false }
        }
        return true
    }

    func apply(_ text: inout AlignedText) {
        let bytes = text.bytes
        let span = bytes.span
        if keeps(span) { return }
        var changes: [(scalar: UInt32, change: Int)] = []
        changes.reserveCapacity(bytes.count)
        var isModified = false

        func replace(_ old: Int, _ range: Range<Int>) {
            isModified = true
            let replacements = self.replacements
            let source = replacements.span
            let first = changes.count
            var i = range.lowerBound
            while i < range.upperBound {
                let (scalar, length) = UTF8Code.decode(source, at: i)
                changes.append((scalar, 0))
                i += length
            }
            let new = changes.count - first
            if new > old {
                for i in changes.count - (new - old)..<changes.count { changes[i].change = 1 }
            } else if new < old, !changes.isEmpty {
                changes[changes.count - 1].change -= old - new
            }
        }

        var start = 0
        while matching == .graphemeClusters, start < bytes.count {
            // One grapheme cluster.
            var end = start
            var count = 0
            var previous: UInt32 = 0
            while end < bytes.count {
                let (scalar, length) = UTF8Code.decode(span, at: end)
                if count > 0, scalar < 0x80 && scalar != 0x0A && previous < 0x300 { break }
                if count > 0, !GraphemeCluster.joins(previous, scalar) { break }
                previous = scalar
                end += length
                count += 1
            }
            if end - start < 6, let (range, _) = replacement(span, start..<end, matching) {
                replace(count, range)
            } else {
                var i = start
                while i < end {
                    let (scalar, length) = UTF8Code.decode(span, at: i)
                    if let (range, _) = replacement(span, i..<i + length, matching) {
                        replace(1, range)
                    } else {
                        changes.append((scalar, 0))
                    }
                    i += length
                }
            }
            start = end
        }
        while matching == .longest, start < bytes.count {
            let (scalar, length) = UTF8Code.decode(span, at: start)
            if let (range, end) = replacement(span, start..<bytes.count, matching) {
                replace((start..<end).count { !UTF8Code.isContinuation(span[$0]) }, range)
                start = end
            } else {
                changes.append((scalar, 0))
                start += length
            }
        }
        if !isModified { return }
        text.rewrite { rewriter, _ in
            for (scalar, change) in changes { rewriter.emit(scalar, change: change) }
        }
    }
}
