public import Checkpoints
public import Tokenizers

/// Why a model cannot be loaded or written.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    case checkpoint(CheckpointError)
    case tokenizer(TokenizerError)

    public var description: String {
        switch self {
        case .checkpoint(let error): "\(error)"
        case .tokenizer(let error): "\(error)"
        }
    }
}

/// Runs checkpoint code where a `ModelError` may be thrown.
package func loading<Result>(_ body: () throws(CheckpointError) -> Result) throws(ModelError) -> Result {
    do { return try body() } catch { throw .checkpoint(error) }
}
