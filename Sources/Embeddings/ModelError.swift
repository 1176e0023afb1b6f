public import Checkpoints
public import SystemPackage
public import Tensors
public import Tokenizers
public import Transformer

/// Why a model cannot be loaded or written.
public enum ModelError: Error, Equatable, Sendable, CustomStringConvertible {
    case checkpoint(CheckpointError)
    case tokenizer(TokenizerError)
    case memory(MemoryShortage)
    case adapter(AdapterError)
    /// An adapter that does not say what it is for.
    case noBaseModel(FilePath)
    /// Something was asked of static embeddings that transformers alone have.
    case staticEmbeddings(FilePath, option: String)
    case unknownPrompt(FilePath, name: String, known: [String])
    /// A family whose head for masked words, if there is one, is not known here.
    case noMaskedHead(FilePath, modelType: String)
    /// A tokenizer without a token that stands in for a word.
    case noMaskToken(FilePath)
    /// A model with another head than the one asked for.
    case otherHead(FilePath, found: PublishedHead, wanted: PublishedHead.Kind)

    public var description: String {
        switch self {
        case .checkpoint(let error): "\(error)"
        case .tokenizer(let error): "\(error)"
        case .memory(let error): "\(error)"
        case .adapter(let error): "\(error)"
        case .noBaseModel(let path):
            "\(path): holds an adapter, which does not say for which model. Name the model, and the adapter with --adapter."
        case .staticEmbeddings(let path, let option):
            "\(path): static embeddings have no \(option): a text's vector is the mean of its tokens', in f32."
        case .unknownPrompt(let file, let name, let known):
            "\(file): has no prompt \"\(name)\"; it has "
                + (known.isEmpty ? "none. Use --prompt-text." : known.joined(separator: ", ") + ".")
        case .noMaskedHead(let file, let type):
            "\(file): graft fill does not run the heads of model_type \"\(type)\"."
        case .noMaskToken(let directory):
            "\(directory): the tokenizer has no mask token, which graft fill needs. Does it belong to the model?"
        case .otherHead(let file, let found, let wanted): "\(file): \(Self.describe(found, wanted: wanted))"
        }
    }
}

/// Makes a plan of an encoder, where there is memory for it.
package func plan(_ encoder: TransformerEncoder, _ precision: Precision) throws(ModelError) -> InferencePlan {
    do {
        try MemoryShortage.check(
            InferencePlan.bytes(encoder.architecture, precision), for: "the encoder in \(precision.rawValue)",
            advice: precision == .f32
                ? "Use --precision bf16 or int8." : "Close other programs, or take a smaller model.")
    } catch { throw .memory(error) }
    return InferencePlan(encoder, precision: precision)
}

/// Runs checkpoint code where a `ModelError` may be thrown.
package func loading<Result>(_ body: () throws(CheckpointError) -> Result) throws(ModelError) -> Result {
    do { return try body() } catch { throw .checkpoint(error) }
}

/// Puts adapters on an encoder where a `ModelError` may be thrown.
package func attach(_ setup: AdapterHubSetup?, to encoder: TransformerEncoder) throws(ModelError) {
    guard let setup else { return }
    do { try encoder.attach(setup) } catch { throw .adapter(error) }
}
