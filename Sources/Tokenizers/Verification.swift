import JSON
public import SystemPackage

/// Replays recorded tokens and finds the first text that comes out differently.
///
/// A record is a line of JSON: `text`, `ids`, and optionally `pair`, `offsets`, `word_ids`, `type_ids`, `tokens`,
/// `add_special_tokens` (true where it is missing), `normalized` (the text after the normalizer) and `words` (texts after
/// the pre-tokenizer). The last two tell exactly which stage went wrong; without them the stage is inferred from words
/// and offsets.
public struct TokenizerVerification: Sendable {
    /// The stage of the pipeline that a difference points at.
    public enum Stage: String, Sendable {
        case normalizer, preTokenizer = "pre-tokenizer", model, postProcessor = "post-processor"
    }

    public struct Difference: Equatable, Sendable {
        /// Number of the record's line, from 1.
        public let line: Int
        public let text: String
        /// What differs: a member of the record, such as `ids`.
        public let member: String
        /// The first token that differs.
        public let token: Int
        public let expected: String
        public let found: String
        public let stage: Stage
        /// The first code point of the text that the difference touches, as its index and its value.
        public let scalarIndex: Int?
        public let scalar: UInt32?
    }

    public struct Report: Equatable, Sendable {
        public var texts = 0
        public var tokens = 0
        /// How many texts differ.
        public var differing = 0
        public var first: Difference?
    }

    private let tokenizer: Tokenizer

    public init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

    /// - Parameter golden: a file with one record a line.
    public func run(_ golden: FilePath) throws(TokenizerError) -> Report {
        let bytes = try readFile(golden)
        var report = Report()
        var start = 0
        var line = 0
        while start < bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            line += 1
            if end > start {
                let record: JSON
                do throws(JSONError) {
                    record = try JSON(parsing: Array(bytes[start..<end]))
                } catch {
                    throw .invalidJSON(golden, JSONError(error.reason, at: start + error.offset))
                }
                let difference = try check(record, line: line, golden, &report)
                if let difference {
                    report.differing += 1
                    if report.first == nil { report.first = difference }
                }
            }
            start = end + 1
        }
        return report
    }

    private func check(_ record: JSON, line: Int, _ golden: FilePath, _ report: inout Report) throws(TokenizerError)
        -> Difference?
    {
        guard let text = record["text"]?.string else {
            throw .invalidMember(
                golden, path: "line \(line): text", found: record["text"]?.kind ?? "nothing", expected: "a string")
        }
        guard let ids = record["ids"]?.array else {
            throw .invalidMember(
                golden, path: "line \(line): ids", found: record["ids"]?.kind ?? "nothing", expected: "an array")
        }
        let addSpecialTokens = record["add_special_tokens"]?.bool ?? true
        let pair = record["pair"]?.string
        let encoding = tokenizer.encode(text, pair: pair, addSpecialTokens: addSpecialTokens)
        report.texts += 1
        report.tokens += encoding.count

        func difference(_ member: String, _ expected: [JSON], _ found: [JSON]) -> Difference? {
            guard expected != found else { return nil }
            let token =
                zip(expected, found).enumerated().first { $1.0 != $1.1 }?.offset ?? min(expected.count, found.count)
            let range = token < encoding.count ? encoding.offsets[token] : nil
            let scalars = text.unicodeScalars
            let index = pair == nil ? range.map(\.lowerBound) : nil
            return Difference(
                line: line, text: text, member: member, token: token,
                expected: token < expected.count ? "\(expected[token])" : "nothing",
                found: token < found.count ? "\(found[token])" : "nothing",
                stage: stage(record, text, member, token, encoding),
                scalarIndex: index,
                scalar: index.flatMap { scalars.dropFirst($0).first?.value })
        }

        if let found = difference("ids", ids, encoding.ids.map { .integer(Int($0)) }) { return found }
        if pair == nil {
            let fast = tokenizer.ids(text, addSpecialTokens: addSpecialTokens)
            if let found = difference("ids (ids only)", ids, fast.map { .integer(Int($0)) }) { return found }
        }
        if let expected = record["offsets"]?.array {
            let found = encoding.offsets.map { JSON.array([.integer($0.lowerBound), .integer($0.upperBound)]) }
            if let found = difference("offsets", expected, found) { return found }
        }
        if let expected = record["type_ids"]?.array {
            if let found = difference("type_ids", expected, encoding.typeIDs.map { .integer(Int($0)) }) { return found }
        }
        if let expected = record["word_ids"]?.array {
            let found = encoding.wordIDs.map { $0.map { JSON.integer(Int($0)) } ?? .null }
            if let found = difference("word_ids", expected, found) { return found }
        }
        if let expected = record["tokens"]?.array {
            if let found = difference("tokens", expected, encoding.tokens.map { .string($0) }) { return found }
        }
        return nil
    }

    /// The first stage whose result is not the recorded one.
    private func stage(_ record: JSON, _ text: String, _ member: String, _ token: Int, _ encoding: Encoding) -> Stage {
        if let normalized = record["normalized"]?.string,
            !normalized.utf8.elementsEqual(tokenizer.normalize(text).utf8)
        {
            return .normalizer
        }
        if let words = record["words"]?.array {
            let found = tokenizer.words(of: text)
            let isEqual =
                words.count == found.count
                && zip(words, found).allSatisfy { $0.string.map { $0.utf8 }?.elementsEqual($1.utf8) ?? false }
            if !isEqual { return .preTokenizer }
        }
        if member == "type_ids" { return .postProcessor }
        if token < encoding.count, encoding.specialTokensMask[token] == 1 { return .postProcessor }
        if record["words"] == nil, let expected = Self.wordRanges(record) {
            let found = Self.wordRanges(encoding)
            let place = zip(expected, found).first { $0 != $1 }
            if let place, token >= place.0.firstToken || token >= place.1.firstToken { return .preTokenizer }
        }
        return .model
    }

    /// A word: its first token, and where it stands in the text.
    private struct WordRange: Equatable {
        var firstToken: Int
        var range: Range<Int>

        static func == (a: Self, b: Self) -> Bool { a.range == b.range }
    }

    private static func wordRanges(_ record: JSON) -> [WordRange]? {
        guard let words = record["word_ids"]?.array, let offsets = record["offsets"]?.array,
            words.count == offsets.count
        else { return nil }
        return wordRanges(
            words.map(\.integer),
            offsets.map { offset in
                let start = offset.array?.first?.integer ?? 0
                return start..<max(start, offset.array?.last?.integer ?? 0)
            })
    }

    private static func wordRanges(_ encoding: Encoding) -> [WordRange] {
        wordRanges(encoding.wordIDs.map { $0.map(Int.init) }, encoding.offsets)
    }

    private static func wordRanges(_ words: [Int?], _ offsets: [Range<Int>]) -> [WordRange] {
        var result: [WordRange] = []
        var current: Int?
        for (token, (word, range)) in zip(words, offsets).enumerated() {
            guard let word else {
                current = nil
                continue
            }
            if word == current, let last = result.last {
                let start = last.range.lowerBound
                result[result.count - 1].range = start..<max(start, range.upperBound)
            } else {
                result.append(WordRange(firstToken: token, range: range))
                current = word
            }
        }
        return result
    }
}
