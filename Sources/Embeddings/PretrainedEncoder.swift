public import Checkpoints
import JSON
public import SystemPackage
import Tensors
public import Tokenizers
public import Transformer

/// An encoder with its tokenizer, as a model directory holds them.
public final class PretrainedEncoder {
    public let directory: ModelDirectory
    public let configurationFile: JSONFile
    public let tokenizer: Tokenizer
    public let encoder: TransformerEncoder
    /// The longest sequence, special tokens included, that the model was made for: sentence-transformers' limit, else the
    /// tokenizer's, and at most the number of positions.
    public let maxLength: Int
    /// Whether sentence-transformers' settings ask for texts in lower case (`do_lower_case`).
    let lowercasesFirst: Bool
    /// Whether the tokenizer's token types of two texts are all in the encoder's table.
    public let acceptsPairs: Bool

    /// - Parameters:
    ///   - architecture: what `configurationFile` says.
    ///   - source: the checkpoint's parameters, from which a head takes its own.
    ///   - obeysLowercasing: whether sentence-transformers' `do_lower_case` counts.
    public init(
        _ directory: ModelDirectory, _ configurationFile: JSONFile, _ architecture: EncoderArchitecture,
        from source: ParameterSource, obeysLowercasing: Bool = false
    ) throws(ModelError) {
        self.directory = directory
        self.configurationFile = configurationFile
        let settings = try loading { () throws(CheckpointError) in try Self.settings(directory) }
        lowercasesFirst = settings?.object["do_lower_case"]?.bool == true
        let lowercases = obeysLowercasing && lowercasesFirst
        do { tokenizer = try Tokenizer(directory: directory.path, lowercasesFirst: lowercases) } catch {
            throw .tokenizer(error)
        }
        guard tokenizer.vocabularySize <= architecture.vocabSize else {
            throw .checkpoint(
                configurationFile.invalid(
                    "vocab_size",
                    expected: "at least \(tokenizer.vocabularySize), the size of the tokenizer's vocabulary"))
        }
        let types = architecture.typeVocabSize
        func isInTable(_ encoding: Encoding) -> Bool { types == 0 || Int(encoding.typeIDs.max() ?? 0) < types }
        acceptsPairs = isInTable(tokenizer.encode("a", pair: "a"))
        guard isInTable(tokenizer.encode("a")), acceptsPairs || types == 1 else {
            throw .checkpoint(
                configurationFile.invalid("type_vocab_size", expected: "as many as the tokenizer's template asks for"))
        }
        encoder = try loading { () throws(CheckpointError) in try TransformerEncoder(source.root, architecture) }
        maxLength = try loading { () throws(CheckpointError) in
            let positions = architecture.maxTokens
            if let settings, let limit = settings.object["max_seq_length"], limit != .null {
                return min(positions, try settings.size("max_seq_length"))
            }
            return min(positions, try Self.tokenizerLimit(directory) ?? positions)
        }
    }

    /// The tokenizer's own limit; many files have a number that no text reaches.
    private static func tokenizerLimit(_ directory: ModelDirectory) throws(CheckpointError) -> Int? {
        let name = "tokenizer_config.json"
        guard directory.exists(name) else { return nil }
        let file = try JSONFile(directory.path.appending(name), purpose: "the tokenizer's settings")
        guard let limit = file.object["model_max_length"]?.integer, limit > 0 else { return nil }
        return limit
    }

    static let settingsName = "sentence_bert_config.json"

    private static func settings(_ directory: ModelDirectory) throws(CheckpointError) -> JSONFile? {
        guard directory.exists(settingsName) else { return nil }
        return try JSONFile(directory.path.appending(settingsName), purpose: "sentence-transformers' settings")
    }

    /// The files that a model made from this one takes along: the tokenizer's own.
    public var tokenizerFiles: [FilePath] { tokenizer.files }
}
