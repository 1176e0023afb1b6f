import Embeddings
public import Tokenizers
import Transformer

/// The tokens of one text, or of a pair of texts.
public struct TokenizedText: Equatable, Sendable {
    public let ids: [Int32]
    /// `nil` where all tokens are of type 0.
    public let typeIDs: [Int32]?

    public var count: Int { ids.count }

    public init(ids: [Int32], typeIDs: [Int32]? = nil) {
        self.ids = ids
        self.typeIDs = typeIDs
    }

    /// - Parameter maxLength: the number of tokens to keep, special tokens included.
    public init(_ text: String, pair: String? = nil, _ tokenizer: Tokenizer, maxLength: Int) {
        if let pair {
            let encoding = tokenizer.encode(text, pair: pair, truncation: Truncation(maxLength: maxLength))
            // Where a tokenizer adds no special tokens, two empty texts have none.
            if encoding.ids.isEmpty {
                self.init(ids: tokenizer.encoderIDs("", maxLength: maxLength))
            } else {
                self.init(ids: encoding.ids, typeIDs: encoding.typeIDs)
            }
        } else {
            self.init(ids: tokenizer.encoderIDs(text, maxLength: maxLength))
        }
    }
}

extension TokenBatch {
    init(_ texts: [TokenizedText]) {
        self.init()
        for text in texts {
            if let types = text.typeIDs { append(text.ids, tokenTypeIDs: types) } else { append(text.ids) }
        }
    }
}
