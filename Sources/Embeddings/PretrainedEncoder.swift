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
    /// The longest sequence, special tokens included, that the model was made for.
    public let maxLength: Int
    /// Whether the tokenizer's token types of two texts are all in the encoder's table.
    public let acceptsPairs: Bool

    /// - Parameters:
    ///   - architecture: what `configurationFile` says.
    ///   - source: the checkpoint's parameters, from which a head takes its own.
    public init(
        _ directory: ModelDirectory, _ configurationFile: JSONFile, _ architecture: EncoderArchitecture,
        from source: ParameterSource
    ) throws(ModelError) {
        self.directory = directory
        self.configurationFile = configurationFile
        do { tokenizer = try Tokenizer(directory: directory.path) } catch { throw .tokenizer(error) }
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
            try Self.maxLength(directory, architecture.maxTokens)
        }
    }

    /// sentence-transformers' `max_seq_length`, else the number of positions.
    private static func maxLength(_ directory: ModelDirectory, _ positions: Int) throws(CheckpointError) -> Int {
        let name = "sentence_bert_config.json"
        guard directory.exists(name) else { return positions }
        let file = try JSONFile(directory.path.appending(name), purpose: "sentence-transformers' settings")
        return min(positions, try file.size("max_seq_length", absent: positions))
    }

    /// The files that a model made from this one takes along: the tokenizer's own.
    public var tokenizerFiles: [FilePath] { tokenizer.files }
}
