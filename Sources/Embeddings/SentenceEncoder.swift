public import Checkpoints
import JSON
import SystemPackage
public import Tensors
public import Tokenizers
import Transformer

/// Texts to vectors: tokenizer, encoder, pooling and normalization, as a sentence-transformers directory says.
public final class SentenceEncoder {
    public let pretrained: PretrainedEncoder
    public var pooling: PoolingMode
    /// Whether vectors are scaled to length 1.
    public var normalizes: Bool
    /// The number of tokens, special tokens included, after which a text is cut.
    public var maxLength: Int

    private let plan: InferencePlan

    public var tokenizer: Tokenizer { pretrained.tokenizer }
    /// The length of a vector.
    public var size: Int { pretrained.encoder.architecture.hiddenSize }

    /// - Parameter precision: of the encoder's products, which is available.
    public init(_ directory: ModelDirectory, precision: Precision = .f32) throws(ModelError) {
        let modules = try loading { () throws(CheckpointError) in try SentenceModules(directory) }
        let checkpoint = try OpenedCheckpoint(directory)
        let architecture = checkpoint.architecture
        pretrained = try checkpoint.encoder()
        try loading { () throws(CheckpointError) in
            try checkpoint.source.checkAllUsed { architecture.isBufferOrPretrainingHead($0) || architecture.isHead($0) }
        }
        pooling = modules.pooling
        normalizes = modules.normalizes
        maxLength = pretrained.maxLength
        plan = try Embeddings.plan(pretrained.encoder, precision)
    }

    /// The vectors of tokenized texts, `[ids.count, size]`, in their order.
    ///
    /// A text's vector does not depend on the other texts, nor on the number of threads.
    public func embed(_ ids: [[Int32]]) -> Tensor {
        let rows = LengthSortedBatches(ids.map(\.count)).map { batch in
            let tokens = TokenBatch(batch.map { ids[$0] })
            var vectors = pooling.pool(plan.encode(tokens), tokens.sequences)
            if normalizes { vectors.normalizeRows() }
            return vectors
        }
        return Tensor([ids.count, size], rows.flatMap { $0 })
    }
}
