/// Everything a tokenizer is made of, whatever files it was read from.
struct TokenizerParts: Sendable {
    var model: Model
    var normalizer: Normalizer?
    var preTokenizer: PreTokenizer?
    var postProcessor = PostProcessor.none
    var decoder: Decoder?
    var addedTokens: [AddedToken] = []
    var truncation: Truncation?
    var padding: Padding?
    /// Texts of special tokens by their role, such as `cls_token`.
    var roles: [String: String] = [:]
}

/// How a file says that short texts are to be filled up. Nothing here applies it: batches are packed, not padded.
public struct Padding: Equatable, Sendable {
    /// The length to fill up to; `nil` for the longest text of a batch.
    public var fixedLength: Int?
    public var isLeft: Bool
    public var multipleOf: Int?
    public var id: Int32
    public var typeID: Int32
    public var token: String
}
