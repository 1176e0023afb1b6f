import CICU
import Synchronization

/// What texts are searched for: a fixed text, or a regular expression.
enum Pattern: Sendable {
    case literal([UInt8])
    case regularExpression(RegularExpression)

    /// The matches and what lies between them, covering the text.
    func ranges(in text: [UInt8]) -> [(range: Range<Int>, isMatch: Bool)] {
        if text.isEmpty { return [] }
        let matches =
            switch self {
            case .literal(let literal): Self.find(literal, in: text)
            case .regularExpression(let expression): expression.matches(in: text)
            }
        var result: [(range: Range<Int>, isMatch: Bool)] = []
        result.reserveCapacity(2 * matches.count + 1)
        var position = 0
        for match in matches {
            if position < match.lowerBound { result.append((position..<match.lowerBound, false)) }
            result.append((match, true))
            position = match.upperBound
        }
        if position < text.count { result.append((position..<text.count, false)) }
        return result
    }

    private static func find(_ literal: [UInt8], in text: [UInt8]) -> [Range<Int>] {
        guard let first = literal.first else { return [] }
        var result: [Range<Int>] = []
        var i = 0
        while i + literal.count <= text.count {
            if text[i] == first, text[i..<i + literal.count].elementsEqual(literal) {
                result.append(i..<i + literal.count)
                i += literal.count
            } else {
                i += 1
            }
        }
        return result
    }
}

/// A regular expression in ICU's syntax, which the patterns of published tokenizers share with the reference's.
///
/// The reference's regular expressions know a younger Unicode than ICU does. Code points of which they think
/// differently are searched as a neighbour of the right kind.
final class RegularExpression: Sendable {
    let pattern: String
    /// Compiled copies that no thread uses right now.
    private let idle: Mutex<[Compiled]>

    /// One thread's copy. Its owner passes it on as a whole.
    @safe private struct Compiled: @unchecked Sendable {
        // ICU allows an expression to move between threads, and only one holder takes it from `idle` at a time.
        let handle: OpaquePointer
    }

    struct Problem: Error { let reason: String }

    init(_ pattern: String) throws(Problem) {
        self.pattern = pattern
        let units = Array(pattern.utf16)
        var error: UnsafePointer<CChar>?
        let handle = unsafe units.withUnsafeBufferPointer { buffer in
            unsafe cicu_regex_open(buffer.baseAddress, Int32(truncatingIfNeeded: buffer.count), &error)
        }
        guard let handle = unsafe handle else {
            throw Problem(reason: unsafe error.map { unsafe String(cString: $0) } ?? "unknown error")
        }
        idle = unsafe Mutex([Compiled(handle: handle)])
    }

    deinit {
        idle.withLock { copies in
            for copy in copies { unsafe cicu_regex_close(copy.handle) }
            copies.removeAll()
        }
    }

    private func take() -> Compiled? {
        idle.withLock { copies in
            // The last copy stays as the original of further ones.
            if copies.count > 1 { return copies.removeLast() }
            guard let original = copies.first else { return nil }
            return unsafe cicu_regex_clone(original.handle).map { unsafe Compiled(handle: $0) }
        }
    }

    /// The ranges of all matches in bytes of UTF-8.
    func matches(in text: [UInt8]) -> [Range<Int>] {
        // UTF-16, and the place in UTF-8 of each unit.
        var units: [UInt16] = []
        var places: [Int32] = []
        units.reserveCapacity(text.count + 1)
        places.reserveCapacity(text.count + 1)
        var i = 0
        while i < text.count {
            let (scalar, length) = UTF8Code.decode(text.span, at: i)
            let shown = scalar < 0x80 ? scalar : Self.proxies[scalar] ?? scalar
            if shown < 0x10000 {
                units.append(UInt16(truncatingIfNeeded: shown))
            } else {
                units.append(UInt16(truncatingIfNeeded: 0xD7C0 + shown >> 10))
                units.append(UInt16(truncatingIfNeeded: 0xDC00 + shown & 0x3FF))
                places.append(Int32(truncatingIfNeeded: i))
            }
            places.append(Int32(truncatingIfNeeded: i))
            i += length
        }
        places.append(Int32(truncatingIfNeeded: text.count))
        guard let copy = take() else { return [] }
        var result: [Range<Int>] = []
        unsafe units.withUnsafeBufferPointer { buffer in
            guard
                unsafe cicu_regex_set_text(copy.handle, buffer.baseAddress, Int32(truncatingIfNeeded: buffer.count))
            else { return }
            var start: Int32 = 0
            var end: Int32 = 0
            while unsafe cicu_regex_next(copy.handle, &start, &end) {
                let range = Int(places[Int(start)])..<Int(places[Int(end)])
                result.append(range)
            }
        }
        idle.withLock { $0.append(copy) }
        return result
    }

    /// Code points that the reference takes for letters, numbers or neither, and ICU does not; and what to show ICU.
    private static let proxies: [UInt32: UInt32] = {
        var result: [UInt32: UInt32] = [:]
        for scalar in UInt32(0x80)..<0x110000 where !(0xD800..<0xE000).contains(scalar) {
            let properties = FrozenProperties(scalar)
            let group = cicu_letter_or_number(scalar)
            let isLetter = properties.contains(.patternLetter)
            let isNumber = properties.contains(.patternNumber)
            if (group == 1) == isLetter, (group == 2) == isNumber { continue }
            let isShort = scalar < 0x10000
            // A letter, a number and a symbol, of one unit or two.
            result[scalar] =
                isLetter
                ? (isShort ? 0x3105 : 0x10280) : isNumber ? (isShort ? 0x2460 : 0x1D7CE) : (isShort ? 0x2603 : 0x1F600)
        }
        return result
    }()
}
