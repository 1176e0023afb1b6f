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
    case wordVectors(WordVectorsError)
    /// An adapter that does not say what it is for.
    case noBaseModel(FilePath)
    /// Something was asked of static embeddings that transformers alone have.
    case staticEmbeddings(FilePath, option: String)
    case unknownPrompt(FilePath, name: String, known: [String])
    /// A family whose head for masked words, if there is one, is not known here.
    case noMaskedHead(FilePath, modelType: String)
    /// A tokenizer without a token that stands in for a word.
    case noMaskToken(FilePath)
    /// A family whose layers cannot be a decoder's.
    case noDecoder(FilePath, modelType: String)
    /// A model with another head than the one asked for.
    case otherHead(FilePath, found: PublishedHead, wanted: PublishedHead.Kind)
    /// An adapter whose base is not on this machine.
    case baseOfAdapter(FilePath, name: String, StoreError)
    /// An adapter that was trained on other weights than those that its base has.
    case otherBase(FilePath, base: FilePath, found: String, expected: String)
    /// An adapter that cannot be put on its base.
    case adapter(FilePath, base: FilePath, AdapterError)
    /// An adapter without a layer of logits, on a base without one.
    case noHeadInAdapter(FilePath, base: FilePath)
    /// Layers of a head that neither the adapter nor its base have.
    case incompleteHead(FilePath, base: FilePath, names: [String])
    /// Something that needs a model, and was given an adapter.
    case isAdapter(FilePath, kind: String, verb: String)
    /// Something that needs an adapter, and was given something else.
    case isNoAdapter(FilePath)
    /// Adapters that cannot be merged with one another.
    case mergedAdapters(FilePath, FilePath, reason: String)

    public var description: String {
        switch self {
        case .checkpoint(let error): "\(error)"
        case .tokenizer(let error): "\(error)"
        case .memory(let error): "\(error)"
        case .wordVectors(let error): "\(error)"
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
        case .noDecoder(let file, let type):
            "\(file): this model (model_type \"\(type)\") cannot be its own decoder, as --loss tsdae has it. That takes "
                + "tokens that know their places by their embeddings alone, normalizations behind the halves of a layer, "
                + "and a head for words that is known here, as bert, roberta and distilbert have them. --loss simcse learns "
                + "from texts alone, too."
        case .otherHead(let file, let found, let wanted): "\(file): \(Self.describe(found, wanted: wanted))"
        case .baseOfAdapter(let directory, let name, let error):
            "\(directory): the adapter's base \"\(name)\" cannot be opened: \(error)"
        case .otherBase(let directory, let base, let found, let expected):
            "\(directory): the adapter was trained on weights with the SHA-256 \(expected.prefix(12))...; those of "
                + "\(base) have \(found.prefix(12)).... Take the model that it was made for."
        case .adapter(let directory, let base, .checkpoint(let error)):
            "\(directory): the adapter does not fit its base \(base): \(error)"
        case .adapter(let directory, _, let error): "\(directory): \(error)"
        case .noHeadInAdapter(let directory, let base):
            "\(directory): the adapter has no classification head, and neither has its base \(base). graft embed runs "
                + "it; graft finetune trains one with a head."
        case .incompleteHead(let directory, let base, let names):
            "\(directory): \(names.joined(separator: ", ")) are neither in the adapter nor in its base \(base). They were "
                + "random when it was trained, and were not saved; train it again with graft finetune."
        case .isNoAdapter(let directory):
            "\(directory): no adapter; expected a directory with adapter_config.json, as PEFT and graft finetune write it."
        case .mergedAdapters(let first, let second, let reason):
            "\(first) and \(second) \(reason); adapters that are merged have the same base and the same labels."
        case .isAdapter(let directory, let kind, let verb):
            "\(directory): an adapter (\(kind)), which graft \(verb) does not take. graft merge makes a model of it."
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
