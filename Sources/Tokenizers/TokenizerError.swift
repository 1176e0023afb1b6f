public import JSON
public import SystemPackage

/// What a tokenizer's files or a caller got wrong.
public enum TokenizerError: Error, Equatable, Sendable {
    /// The directory holds none of the files a tokenizer can be read from.
    case noTokenizerFile(FilePath)
    case unreadable(FilePath, Errno)
    case invalidJSON(FilePath, JSONError)
}
