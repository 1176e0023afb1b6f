public import Tokenizers

extension Tokenizer {
    /// The ids of a text as an encoder takes them: at most `maxLength` of them, and never none. Where a tokenizer adds no
    /// special tokens, an empty text stands as one unknown token.
    public func encoderIDs(_ text: String, maxLength: Int) -> [Int32] {
        let ids = ids(text, truncation: Truncation(maxLength: maxLength))
        return ids.isEmpty ? [unkID ?? padID ?? 0] : ids
    }

    /// How many tokens of a text are its prompt's: those of the prompt alone, less a special token at the end, as
    /// sentence-transformers counts them.
    func promptLength(_ ids: [Int32]) -> Int {
        guard let last = ids.last else { return 0 }
        let isSpecial = last == sepID || addedTokens.contains { $0.id == last && $0.special }
        return isSpecial ? ids.count - 1 : ids.count
    }
}
