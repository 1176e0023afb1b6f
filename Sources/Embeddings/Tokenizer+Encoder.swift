public import Tokenizers

extension Tokenizer {
    /// The ids of a text as an encoder takes them: at most `maxLength` of them, and never none. Where a tokenizer adds no
    /// special tokens, an empty text stands as one unknown token.
    public func encoderIDs(_ text: String, maxLength: Int) -> [Int32] {
        let ids = ids(text, truncation: Truncation(maxLength: maxLength))
        return ids.isEmpty ? [unkID ?? padID ?? 0] : ids
    }
}
