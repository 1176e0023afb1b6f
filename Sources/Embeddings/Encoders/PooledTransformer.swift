import Checkpoints
import JSON
import Tensors
import Tokenizers
import Transformer

/// A transformer encoder with its pooling.
final class PooledTransformer: TextEncoder {
    let pooling: SentencePooling
    private let pretrained: PretrainedEncoder
    private let plan: InferencePlan

    /// - Parameter precision: of the encoder's products, which is available.
    init(
        _ directory: ModelDirectory, _ pooling: SentencePooling, precision: Precision, adapters: AdapterHubSetup? = nil
    ) throws(ModelError) {
        let checkpoint = try OpenedCheckpoint(directory)
        let architecture = checkpoint.architecture
        pretrained = try checkpoint.encoder(obeysLowercasing: true)
        try loading { () throws(CheckpointError) in
            try checkpoint.source.checkAllUsed { architecture.isBufferOrPretrainingHead($0) || architecture.isHead($0) }
        }
        try checkpoint.adapter?.attach(to: pretrained.encoder, head: nil)
        self.pooling = pooling
        try adapters?.attach(to: pretrained.encoder, of: directory)
        plan = try Embeddings.plan(pretrained.encoder, precision)
    }

    private var architecture: EncoderArchitecture { pretrained.encoder.architecture }

    var tokenizer: Tokenizer { pretrained.tokenizer }
    var size: Int { pooling.modes.count * architecture.hiddenSize }
    var tokenLimit: Int? { pretrained.encoder.maxTokens }
    var maxLength: Int? { min(pretrained.maxLength, pretrained.encoder.maxTokens) }
    var operationsPerToken: Int { architecture.operationsPerToken }

    func ids(_ text: String, maxLength: Int?) -> [Int32] {
        tokenizer.encoderIDs(text, maxLength: maxLength ?? pretrained.encoder.maxTokens)
    }

    func embed(_ ids: [[Int32]], prompt: String, maxLength: Int?) -> Tensor {
        let promptLength = promptLength(prompt, maxLength: maxLength)
        let rows = LengthSortedBatches(ids.map(\.count)).map { batch in
            let tokens = TokenBatch(batch.map { ids[$0] })
            return pooling.pool(plan.encode(tokens), plan.rows(of: tokens), promptLength: promptLength)
        }
        return Tensor([ids.count, size], rows.flatMap { $0 })
    }

    /// The tokens of a prompt alone, less a special token at the end: as sentence-transformers counts them.
    private func promptLength(_ prompt: String, maxLength: Int?) -> Int {
        guard !prompt.isEmpty, !pooling.includesPrompt else { return 0 }
        return tokenizer.promptLength(ids(prompt, maxLength: maxLength))
    }
}
