/// A token that is found in a text before the model sees it, such as `[MASK]`.
public struct AddedToken: Equatable, Sendable {
    public let id: Int32
    public let content: String
    /// Whether it only counts where no word continues on either side.
    public let singleWord: Bool
    /// Whether it swallows white space on its left, on its right.
    public let lstrip: Bool
    public let rstrip: Bool
    /// Whether it is looked for in the normalized text, in its normalized form.
    public let normalized: Bool
    /// Whether decoding may skip it.
    public let special: Bool

    public init(
        id: Int32, content: String, singleWord: Bool = false, lstrip: Bool = false, rstrip: Bool = false,
        normalized: Bool = false, special: Bool = true
    ) {
        self.id = id
        self.content = content
        self.singleWord = singleWord
        self.lstrip = lstrip
        self.rstrip = rstrip
        self.normalized = normalized
        self.special = special
    }
}

/// Finds added tokens in a text: the leftmost, and of those the longest.
///
/// Source: Hugging Face tokenizers 0.23.3, `AddedVocabulary`.
struct AddedTokenMatcher: Sendable {
    struct Match: Equatable, Sendable {
        var range: Range<Int>
        /// `nil` for the text between tokens.
        var id: Int32?
    }

    private var patterns = Vocabulary(capacity: 16)
    private var tokens: [Int32: AddedToken] = [:]
    private var isFirstByte = [Bool](repeating: false, count: 256)
    /// Whether a pattern of so many bytes exists.
    private var isLength: [Bool] = []
    var isEmpty: Bool { tokens.isEmpty }

    /// Whether this is the first of the two searches, the one in the text as it came.
    let isFirst: Bool

    /// - Parameter tokens: tokens with the text to look for.
    init(_ tokens: [(token: AddedToken, pattern: [UInt8])], isFirst: Bool) {
        self.isFirst = isFirst
        for (token, pattern) in tokens where !pattern.isEmpty {
            patterns.insert(pattern.span, id: token.id)
            self.tokens[token.id] = token
            isFirstByte[Int(pattern[0])] = true
            while isLength.count <= pattern.count { isLength.append(false) }
            isLength[pattern.count] = true
        }
    }

    /// The length in bytes of a token's own text.
    func contentLength(of id: Int32) -> Int { tokens[id]?.content.utf8.count ?? 0 }

    /// The next position from which a token might be found.
    @inline(__always)
    func candidate(in text: Span<UInt8>, from start: Int, to end: Int) -> Int? {
        var i = start
        while i < end {
            if isFirstByte[Int(text[i])] { return i }
            i += 1
        }
        return nil
    }

    /// The longest token that begins at a position.
    func longest(in text: Span<UInt8>, at start: Int, to end: Int) -> (id: Int32, length: Int)? {
        var state = Vocabulary.seed
        var best: (id: Int32, length: Int)?
        var length = 0
        while start + length < end, length + 1 < isLength.count {
            state = Vocabulary.step(state, text[start + length])
            length += 1
            if isLength[length], let id = patterns.find(text, start..<start + length, state: state) {
                best = (id, length)
            }
        }
        return best
    }

    /// Covers a range of a text by tokens and the text between them.
    func matches(in text: Span<UInt8>, _ whole: Range<Int>) -> [Match] {
        if whole.isEmpty { return [Match(range: whole, id: nil)] }
        var result: [Match] = []
        var covered = whole.lowerBound
        var position = whole.lowerBound
        while let start = candidate(in: text, from: position, to: whole.upperBound) {
            guard let (id, length) = longest(in: text, at: start, to: whole.upperBound), let token = tokens[id] else {
                position = start + 1
                continue
            }
            var range = start..<start + length
            position = range.upperBound
            if token.singleWord, touchesWord(range, text, whole) { continue }
            if token.lstrip {
                var left = start
                while left > whole.lowerBound {
                    let previous = scalarStart(before: left, text, whole)
                    if !FrozenProperties(UTF8Code.decode(text, at: previous).scalar).contains(.whitespace) { break }
                    left = previous
                }
                range = max(left, covered)..<range.upperBound
            }
            if token.rstrip {
                var right = range.upperBound
                while right < whole.upperBound {
                    let (scalar, length) = UTF8Code.decode(text, at: right)
                    if !FrozenProperties(scalar).contains(.whitespace) { break }
                    right += length
                }
                range = range.lowerBound..<right
            }
            // A token may begin inside the white space that the one before it swallowed.
            if range.lowerBound < covered { range = covered..<max(covered, range.upperBound) }
            if covered < range.lowerBound { result.append(Match(range: covered..<range.lowerBound, id: nil)) }
            result.append(Match(range: range, id: id))
            covered = range.upperBound
        }
        if covered < whole.upperBound { result.append(Match(range: covered..<whole.upperBound, id: nil)) }
        return result
    }

    private func scalarStart(before position: Int, _ text: Span<UInt8>, _ whole: Range<Int>) -> Int {
        var i = position - 1
        while i > whole.lowerBound, UTF8Code.isContinuation(text[i]) { i -= 1 }
        return i
    }

    private func touchesWord(_ range: Range<Int>, _ text: Span<UInt8>, _ whole: Range<Int>) -> Bool {
        if range.lowerBound > whole.lowerBound {
            let before = UTF8Code.decode(text, at: scalarStart(before: range.lowerBound, text, whole)).scalar
            if FrozenProperties(before).contains(.word) { return true }
        }
        if range.upperBound < whole.upperBound {
            return FrozenProperties(UTF8Code.decode(text, at: range.upperBound).scalar).contains(.word)
        }
        return false
    }
}
