public import JSON
public import SystemPackage

/// What a tokenizer's files or a caller got wrong.
public enum TokenizerError: Error, Equatable, Sendable {
    /// The directory holds none of the files a tokenizer can be read from.
    case noTokenizerFile(FilePath)
    case unreadable(FilePath, Errno)
    case unwritable(FilePath, Errno)
    case invalidJSON(FilePath, JSONError)
    case invalidUTF8(FilePath, byte: Int)
    /// A member of a JSON file is missing or not of its kind; `path` is such as `model.vocab`.
    case invalidMember(FilePath, path: String, found: String, expected: String)
    /// A piece of the pipeline that this program does not know, such as the normalizer `Cyrillic`.
    case unsupportedPiece(FilePath, stage: String, type: String)
    /// The model's vocabulary is empty.
    case emptyVocabulary(FilePath)
    /// The token that stands for unknown words is not in the vocabulary.
    case missingUnknownToken(FilePath, token: String)
    /// A token that the pipeline names is not in the vocabulary.
    case missingToken(FilePath, stage: String, token: String)
    case idOutOfRange(FilePath, token: String, id: Int)
    /// A merge names a token that is not in the vocabulary.
    case mergeOfUnknownToken(FilePath, merge: Int, token: String)
    case invalidMerge(FilePath, merge: Int)
    case invalidPattern(FilePath, pattern: String, reason: String)
    case invalidCharsmap(FilePath, reason: String)
    /// The SentencePiece library refuses the model.
    case invalidSentencePieceModel(FilePath, reason: String)
    /// ICU's data for word breaks, or the memory for them, are missing.
    case wordBreaksUnavailable
    /// Training a vocabulary failed.
    case training(reason: String)
}
