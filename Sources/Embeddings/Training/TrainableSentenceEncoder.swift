public import Checkpoints
public import Tensors
public import Tokenizers
public import Transformer

/// A transformer with its pooling and its further modules, as training needs them: with both passes.
public final class TrainableSentenceEncoder {
    public let pretrained: PretrainedEncoder
    public let pooling: SentencePooling
    /// The number of tokens, special tokens included, after which texts are cut.
    public var maxLength: Int
    /// The text that stands before every text.
    public let prompt: String
    let modules: [VectorModule]
    let settings: SentenceSettings
    /// The weights that the encoder was made from.
    let weights: any TensorArchive
    private let promptLength: Int

    public struct Saved: Sendable {
        let encoder: TransformerEncoder.Saved
        /// What was pooled; `nil` where the encoder computed the first tokens alone.
        let hidden: Tensor?
        let rows: [Range<Int>]
        let modules: [VectorModule.Saved]
    }

    /// - Parameters:
    ///   - dropout: in place of the model's.
    ///   - pooling: in place of the model's, without further modules and without a prompt: as a head reads an encoder.
    public init(
        _ directory: ModelDirectory, dropout: Float? = nil, pooling: PoolingMode? = nil
    ) throws(ModelError) {
        if let adapter = try OpenedAdapter(directory) {
            throw .isAdapter(directory.path, kind: adapter.configuration.adapter.kind, verb: "adapt")
        }
        let (parts, settings) = try loading { () throws(CheckpointError) in
            (try SentenceModules(directory), try SentenceSettings(directory))
        }
        if parts.isStatic { throw .staticEmbeddings(directory.path, option: "training") }
        var checkpoint = try OpenedCheckpoint(parts.directory)
        if let dropout { checkpoint.architecture.setDropout(dropout) }
        let architecture = checkpoint.architecture
        pretrained = try checkpoint.encoder(obeysLowercasing: true)
        try loading { () throws(CheckpointError) in
            try checkpoint.source.checkAllUsed { architecture.isBufferOrPretrainingHead($0) || architecture.isHead($0) }
            try checkpoint.source.checkFinite()
        }
        weights = checkpoint.weights
        self.pooling = pooling.map { SentencePooling([$0]) } ?? parts.pooling
        modules = pooling == nil ? parts.vectorModules : []
        self.settings = settings
        maxLength = min(pretrained.maxLength, pretrained.encoder.maxTokens)
        prompt = pooling == nil ? settings.defaultPromptName.flatMap(settings.prompt(named:)) ?? "" : ""
        promptLength =
            prompt.isEmpty || self.pooling.includesPrompt
            ? 0 : pretrained.tokenizer.promptLength(pretrained.tokenizer.encoderIDs(prompt, maxLength: maxLength))
    }

    public var tokenizer: Tokenizer { pretrained.tokenizer }
    public var encoder: TransformerEncoder { pretrained.encoder }
    /// The length of a vector.
    public var size: Int {
        modules.reduce(pooling.modes.count * encoder.architecture.hiddenSize) { $1.outputSize($0) }
    }
    /// All, from the bottom up.
    public var parameters: [Parameter] { encoder.parameters + modules.flatMap(\.parameters) }

    /// The ids of a text, those of the prompt included.
    public func ids(_ text: String) -> [Int32] { tokenizer.encoderIDs(prompt + text, maxLength: maxLength) }

    /// The same, and whether the text was cut.
    public func tokens(_ text: String) -> SentenceTokens {
        SentenceTokens(limit: maxLength) { tokenizer.encoderIDs(prompt + text, maxLength: $0 ?? maxLength) }
    }

    /// - Parameter random: applies dropout when given.
    /// - Returns: the vectors, `[sequences, size]`.
    public func forward(
        _ batch: TokenBatch, training random: RandomSource? = nil
    ) -> (vectors: Tensor, saved: Saved) {
        let firstOnly = pooling.modes == [.cls] && promptLength == 0
        let (hidden, encoderSaved) = encoder.forward(batch, firstOnly: firstOnly, training: random)
        let rows = encoder.rows(of: batch)
        var vectors = firstOnly ? hidden : pooling.pool(hidden, rows, promptLength: promptLength)
        var modulesSaved: [VectorModule.Saved] = []
        for module in modules {
            let (output, saved) = module.forward(vectors)
            modulesSaved.append(saved)
            vectors = output
        }
        return (
            vectors,
            Saved(encoder: encoderSaved, hidden: firstOnly ? nil : hidden, rows: rows, modules: modulesSaved)
        )
    }

    /// Adds to the gradients of all trainable parameters.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        var gradient = gradient
        for (module, saved) in zip(modules, saved.modules).reversed() { gradient = module.backward(gradient, saved) }
        if let hidden = saved.hidden {
            gradient = pooling.backward(gradient, hidden, saved.rows, promptLength: promptLength)
        }
        encoder.backward(gradient, saved.encoder)
    }

    /// The vectors of tokenized texts with the weights as they are now, `[ids.count, size]`, in their order.
    public func embed(_ ids: [[Int32]]) -> Tensor {
        let plan = InferencePlan(encoder, precision: .f32)
        let size = pooling.modes.count * encoder.architecture.hiddenSize
        let rows = LengthSortedBatches(ids.map(\.count)).map { batch in
            let tokens = TokenBatch(batch.map { ids[$0] })
            return pooling.pool(plan.encode(tokens), plan.rows(of: tokens), promptLength: promptLength)
        }
        return modules.reduce(Tensor([ids.count, size], rows.flatMap { $0 })) { $1.apply($0) }
    }
}
