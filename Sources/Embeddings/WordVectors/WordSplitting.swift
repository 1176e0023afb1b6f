import Tensors
public import Tokenizers

/// How a text becomes words that vectors are looked up for.
public struct WordSplitting: Sendable {
    public enum Rule: String, Sendable, CaseIterable, CustomStringConvertible {
        /// What stands between blanks, as fastText divides a line.
        case blanks
        /// Unicode's words, composed (form C).
        case unicode
        /// The same in lower case.
        case lowercase

        public var description: String {
            switch self {
            case .blanks: "words between blanks"
            case .unicode: "Unicode's words"
            case .lowercase: "Unicode's words in lower case"
            }
        }
    }

    public let rule: Rule
    private let segmenter: WordSegmenter?

    public init(_ rule: Rule) throws(TokenizerError) {
        self.rule = rule
        segmenter = rule == .blanks ? nil : try WordSegmenter()
    }

    public func words(of text: String) -> [String] {
        guard let segmenter else { return text.splitAtBlanks }
        let text = rule == .lowercase ? text.lowercased() : text
        let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
        return segmenter.words(of: isASCII ? text : text.canonicallyComposed).map(\.text)
    }
}

extension WordVectors {
    /// Unicode's words, in lower case where the vectors' are: fewer than one in a thousand has a capital of ASCII.
    public var suitableRule: WordSplitting.Rule {
        var capitals = 0
        for row in 0..<count
        where unsafe words.text.withBytes(
            words.bytes(row),
            { bytes in
                unsafe bytes.contains { 0x41...0x5A ~= $0 }
            })
        { capitals += 1 }
        return 1000 * capitals < count ? .lowercase : .unicode
    }
}
