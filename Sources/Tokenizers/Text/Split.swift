/// A part of a text between two stages of the pipeline: still text, or an added token found in it.
struct Split: Sendable {
    var text: AlignedText
    /// The id of the added token that this part is.
    var addedTokenID: Int32?
}

/// What becomes of the delimiters when a text is cut at them.
enum DelimiterBehavior: String, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    /// The parts that remain of ranges that cover a text, each marked as a delimiter or not.
    func cut(_ ranges: [(range: Range<Int>, isDelimiter: Bool)]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        result.reserveCapacity(ranges.count)
        var previous = false
        switch self {
        case .removed:
            for (range, isDelimiter) in ranges where !isDelimiter { result.append(range) }
        case .isolated:
            for (range, _) in ranges { result.append(range) }
        case .contiguous:
            for (range, isDelimiter) in ranges {
                if isDelimiter == previous, let last = result.last {
                    result[result.count - 1] = last.lowerBound..<range.upperBound
                } else {
                    result.append(range)
                }
                previous = isDelimiter
            }
        case .mergedWithPrevious:
            for (range, isDelimiter) in ranges {
                if isDelimiter, !previous, let last = result.last {
                    result[result.count - 1] = last.lowerBound..<range.upperBound
                } else {
                    result.append(range)
                }
                previous = isDelimiter
            }
        case .mergedWithNext:
            for (range, isDelimiter) in ranges.reversed() {
                if isDelimiter, !previous, let last = result.last {
                    result[result.count - 1] = range.lowerBound..<last.upperBound
                } else {
                    result.append(range)
                }
                previous = isDelimiter
            }
            result.reverse()
        }
        return result
    }
}

extension AlignedText {
    /// The ranges of single code points that pass and of what lies between them, covering the text.
    func ranges(delimitedBy isDelimiter: (UInt32) -> Bool) -> [(range: Range<Int>, isDelimiter: Bool)] {
        var result: [(range: Range<Int>, isDelimiter: Bool)] = []
        let span = bytes.span
        var start = 0
        var i = 0
        while i < span.count {
            let (scalar, length) = UTF8Code.decode(span, at: i)
            if isDelimiter(scalar) {
                if start < i { result.append((start..<i, false)) }
                result.append((i..<i + length, true))
                start = i + length
            }
            i += length
        }
        if start < i { result.append((start..<i, false)) }
        return result
    }
}

extension [Split] {
    /// Replaces every part that is still text by the parts that `body` makes of it; empty ones vanish.
    mutating func splitEach(_ body: (inout AlignedText) -> [Range<Int>]) {
        var result: [Split] = []
        result.reserveCapacity(count)
        for var part in self {
            if part.addedTokenID != nil {
                result.append(part)
                continue
            }
            for range in body(&part.text) where !range.isEmpty {
                if range.count == part.text.bytes.count {
                    part.text.dropUnalignedStart()
                    result.append(part)
                } else {
                    result.append(Split(text: part.text.slice(range)))
                }
            }
        }
        self = result
    }
}
