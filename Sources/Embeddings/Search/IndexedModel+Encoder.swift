public import Checkpoints
public import SystemPackage
public import Tensors
import Tokenizers

extension IndexedModel {
    /// Describes an encoder that makes an index's vectors.
    ///
    /// - Parameters:
    ///   - pooling: in place of the model's.
    ///   - isTruncated: whether its vectors are cut.
    public init(
        _ encoder: SentenceEncoder, _ directory: ModelDirectory, pooling: [PoolingMode]?, isTruncated: Bool
    ) throws(SearchError) {
        name = directory.name
        sha256 = try Self.hash(directory)
        normalizes = encoder.normalizes
        prompt = encoder.prompt
        maxLength = encoder.maxLength
        self.pooling = pooling
        self.isTruncated = isTruncated
    }

    /// The encoder that makes vectors as those of the index were made.
    ///
    /// - Throws: `otherModel` where the weights are not the same.
    public func encoder(
        _ directory: ModelDirectory, for index: IndexDescription, at path: FilePath, precision: Precision
    ) throws(SearchError) -> SentenceEncoder {
        let found = try Self.hash(directory)
        guard found == sha256 else {
            throw .otherModel(path, name: directory.name, found: found, expected: sha256)
        }
        let encoder: SentenceEncoder
        do throws(ModelError) {
            encoder = try SentenceEncoder(directory, precision: precision, pooling: pooling)
        } catch { throw .model(error) }
        encoder.normalizes = normalizes
        encoder.usePrompt(prompt)
        if let maxLength {
            let least = encoder.tokenizer.specialTokenCount(pair: false) + 1
            guard maxLength >= least, maxLength <= encoder.tokenLimit ?? .max else {
                throw .damaged(path, "its texts are cut after \(maxLength) tokens, which the model cannot do")
            }
        }
        encoder.maxLength = maxLength
        guard encoder.size >= index.size, isTruncated || encoder.size == index.size else {
            throw .size(path, found: index.size, expected: encoder.size)
        }
        if isTruncated { encoder.truncate(to: index.size) }
        return encoder
    }

    /// The SHA-256 of a model's weights, those of an adapter included.
    private static func hash(_ directory: ModelDirectory) throws(SearchError) -> String {
        do throws(CheckpointError) {
            for name in ["adapter_model.safetensors", "adapter_model.bin"] where directory.exists(name) {
                return try directory.map(directory.path.appending(name)).sha256
            }
            return try SentenceModules(directory).directory.weightsHash()
        } catch { throw .file(error) }
    }
}
