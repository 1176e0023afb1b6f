/// What the tests hold against each other: the fast lanes and the way through every stage.
package enum Comparison {
    package struct Tokens: Equatable, Sendable {
        package let ids: [Int32]
        /// In bytes of the text.
        package let offsets: [Range<Int32>]
        package let words: [Int32]
    }

    /// The tokens of a text, without special tokens.
    ///
    /// - Parameter generally: through every stage by itself, even where a fast lane exists.
    package static func tokens(of text: String, _ tokenizer: Tokenizer, generally: Bool) -> Tokens {
        var buffer = TokenBuffer()
        var workspace = Workspace()
        if generally {
            tokenizer.pipeline.encodeGenerally(text.utf8Span.span, sink: &buffer, workspace: &workspace)
        } else {
            tokenizer.pipeline.encode(text.utf8Span.span, sink: &buffer, workspace: &workspace)
        }
        return Tokens(ids: buffer.ids, offsets: buffer.offsets.map { $0.start..<$0.end }, words: buffer.words)
    }

    /// The words of byte-level splitting, by the fast loop.
    package static func byteLevelWords(of text: [UInt8]) -> [Range<Int>] {
        var words: [Range<Int>] = []
        ByteLevelSplitting.forEachWord(text.span, 0..<text.count) {
            words.append($0)
            return true
        }
        return words
    }

    /// The matches of a regular expression in ICU's syntax; `nil` where that is not one.
    package static func matches(of pattern: String, in text: [UInt8]) -> [Range<Int>]? {
        (try? RegularExpression(pattern))?.matches(in: text)
    }
}
