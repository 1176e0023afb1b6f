public import Checkpoints
public import SystemPackage

/// Why vectors cannot be read, indexed or searched.
public enum SearchError: Error, Equatable, Sendable, CustomStringConvertible {
    case file(CheckpointError)
    case npy(FilePath, NPYFault)
    /// Vectors of another size than the others.
    case size(FilePath, found: Int, expected: Int)
    /// A file of an index that is shorter than its description says.
    case indexFile(FilePath, found: Int, expected: Int)
    /// A file of an index that holds something that cannot be.
    case damaged(FilePath, String)
    /// A file of an index whose content is not the one that was written.
    case checksum(FilePath)
    /// A model other than the one that made the vectors.
    case otherModel(FilePath, name: String, found: String, expected: String)
    /// An index of bare vectors, given texts.
    case noModel(FilePath)
    /// Somebody else is adding to the index.
    case busy(FilePath)
    /// Nothing to make an index of.
    case empty(FilePath)
    /// A vector that cannot be stored or compared; counted from 0.
    case vector(row: Int, String)
    /// Texts and vectors that are not equally many.
    case texts(FilePath, vectors: Int, texts: Int)
    case model(ModelError)
    /// Too few vectors to tell the ranges of their values.
    case tooFewVectors(FilePath, found: Int)
    /// Texts for an index that keeps none.
    case noTexts(FilePath)
    /// A file without a query, where queries are timed.
    case noQueries(FilePath)
    /// Stopped from outside.
    case interrupted

    public var description: String {
        switch self {
        case .file(let error): "\(error)"
        case .npy(let path, let fault): "\(path): \(fault)."
        case .size(let path, let found, let expected):
            "\(path): its vectors have \(found.counted("dimension")); expected \(expected). Were they made by another "
                + "model?"
        case .indexFile(let path, let found, let expected):
            "\(path): has \(found) bytes; the index calls for \(expected). Copy the index again, or make it anew."
        case .damaged(let path, let what): "\(path): damaged: \(what). Copy the index again, or make it anew."
        case .checksum(let path):
            "\(path): its content is not what was written (SHA-256). Copy the index again, or make it anew."
        case .otherModel(let path, let name, let found, let expected):
            "\(path): was made with weights of the SHA-256 \(expected.prefix(12))...; those of \(name) have "
                + "\(found.prefix(12)).... Take that model, or make the index anew."
        case .noModel(let path):
            "\(path): holds vectors of no model; search it with vectors (a .npy file)."
        case .busy(let path): "\(path): another run is adding to it. Try again when it is done."
        case .empty(let path): "\(path): the input has no text or vector to make an index of."
        case .vector(let row, let what): "vector \(row) (from 0) \(what)."
        case .texts(let path, let vectors, let texts):
            "\(path): \(texts.counted("text")) for \(vectors.counted("vector")); expected one for each."
        case .model(let error): "\(error)"
        case .tooFewVectors(let path, let found):
            "\(path): holds \(found.counted("vector")); the ranges of their values need at least 2, better some "
                + "hundreds."
        case .noTexts(let path):
            "\(path): holds vectors without texts. Add vectors alone, with --vectors and no INPUT; or make the index anew."
        case .noQueries(let path): "\(path): holds no query to be timed."
        case .interrupted: "stopped; the index is as it was."
        }
    }
}
