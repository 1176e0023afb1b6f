public import Checkpoints
public import Embeddings
import JSON
import SystemPackage
public import Tensors
public import Tokenizers
public import Transformer

/// An encoder with its family's classification head.
///
/// Source: Devlin et al. 2019, "BERT", §4.1; the names are those of transformers' `...ForSequenceClassification`.
public final class SequenceClassifier: TextClassifier {
    public let pretrained: PretrainedEncoder
    public let head: ClassificationHead
    let configuration: ClassifierConfiguration
    /// Those of the encoder and the head, without an adapter's.
    let modelParameters: [Parameter]
    /// Where it was opened: an adapter's directory, not its base's.
    let directory: ModelDirectory
    /// PEFT's adapter, and what its directory says.
    public private(set) var adapter: AttachedAdapter?
    /// Those of the encoder and its pooler that the checkpoint lacked; they start from random numbers.
    public let initialized: [String]
    /// The number of tokens, special tokens included, after which a text is cut.
    public var maxLength: Int
    /// The score from which on a label of a multi-label head is given.
    public var threshold: Float = 0.5
    /// What the logits are divided by before they become probabilities.
    public var temperature: Float = 1

    private var plan: InferencePlan?

    /// All parameters, from the bottom up; those of adapters last.
    public var parameters: [Parameter] {
        let own = Set(modelParameters.map(ObjectIdentifier.init))
        return modelParameters
            + encoder.adapters.flatMap(\.parameters).filter { !own.contains(ObjectIdentifier($0)) }
    }

    public var labels: [String] { configuration.labels }
    public var problem: ProblemType { configuration.problem }
    public var scoring: ScoreFunction { configuration.scoring }
    /// Whether sentence-transformers published the model as a `CrossEncoder`.
    public var isCrossEncoder: Bool { configuration.isCrossEncoder }
    /// Whether the number of a head with one output is a score, and not a quantity that it was fitted to.
    public var givesScore: Bool { configuration.isCrossEncoder || configuration.scoring == .sigmoid }
    public var encoder: TransformerEncoder { pretrained.encoder }
    private var pooling: HeadPooling { head.architecture.pooling }
    /// Whether the model takes two texts as one input.
    public var acceptsPairs: Bool { pretrained.acceptsPairs }
    public var tokenizer: Tokenizer { pretrained.tokenizer }

    /// Puts a new head on a pretrained encoder.
    ///
    /// - Parameters:
    ///   - meanLayer: whether the head is to read the mean of all tokens, where the model was published with that as its
    ///     sentence vector and its family allows a layer for it.
    ///   - dropout: of all activations while training, in place of what the model says.
    ///   - random: initializes the head, and BERT's pooler where the checkpoint has none.
    public convenience init(
        pretrained directory: ModelDirectory, labels: [String], problem: ProblemType = .singleLabel,
        meanLayer: Bool = false, dropout: Float? = nil, random: RandomSource
    ) throws(ModelError) {
        try self.init(
            directory, new: ClassifierConfiguration(labels: labels, problem: problem), meanLayer: meanLayer,
            dropout: dropout, random: random)
    }

    /// Loads a classifier that has its head.
    ///
    /// - Parameter precision: of the encoder's products, which is available.
    public convenience init(_ directory: ModelDirectory, precision: Precision = .f32) throws(ModelError) {
        if let (adapters, base) = try AdapterHubSetup.open(directory) {
            try self.init(adapters, on: base, precision: precision)
            return
        }
        try self.init(directory, new: nil, random: RandomSource(seed: 0))
        try freezeIfThereIsRoom(precision)
    }

    /// Puts PEFT's adapter with its head on an encoder that others stand on too; it is the active one then.
    ///
    /// - Precondition: `checkIsBase` was asked of the encoder's directory.
    convenience init(_ directory: ModelDirectory, on shared: PretrainedEncoder) throws(ModelError) {
        try self.init(directory, new: nil, on: shared, random: RandomSource(seed: 0))
    }

    /// - Parameter shared: what the head stands on in place of an encoder of its own.
    private init(
        _ directory: ModelDirectory, new given: ClassifierConfiguration?, on shared: PretrainedEncoder? = nil,
        meanLayer: Bool = false, dropout: Float? = nil, random: RandomSource
    ) throws(ModelError) {
        var checkpoint = try OpenedCheckpoint(directory, on: shared?.directory, random: random)
        if let dropout { checkpoint.architecture.setDropout(dropout) }
        if meanLayer, checkpoint.architecture.canHaveMeanLayer,
            try loading({ () throws(CheckpointError) in try SentenceModules.publishesMean(directory) })
        {
            checkpoint.architecture.addMeanLayer()
        }
        let (architecture, source) = (checkpoint.architecture, checkpoint.source)
        self.directory = directory
        if given != nil { try checkpoint.requireModel(for: "finetune") }
        let isNewHead = given != nil || checkpoint.adapter?.hasHead(architecture.head) ?? false
        if !isNewHead {
            if let adapter = checkpoint.adapter,
                PublishedHead(checkpoint.configuration)?.kind != .sequenceClassification
            {
                throw .noHeadInAdapter(directory.path, base: adapter.base.path)
            }
            try PublishedHead.require(.sequenceClassification, in: checkpoint.configuration)
        }
        let configuration = try loading { () throws(CheckpointError) in
            if let given { return given }
            if isNewHead, let adapter = checkpoint.adapter {
                return try ClassifierConfiguration(adapter, architecture.head, base: checkpoint.configuration)
            }
            return try ClassifierConfiguration(checkpoint.configuration, in: checkpoint.directory)
        }
        self.configuration = configuration
        pretrained = if let shared { shared } else { try checkpoint.encoder() }
        // A head that the checkpoint has may be for other labels: a new one never takes its values.
        let new = ParameterSource(nil, random: random)
        head = try loading { () throws(CheckpointError) in
            let head = try ClassificationHead(
                isNewHead ? source.root.initializing : source.root, new: isNewHead ? new.root : nil, architecture,
                labels: configuration.labels.count)
            if shared == nil {
                try source.checkAllUsed {
                    architecture.isBufferOrPretrainingHead($0)
                        || (isNewHead ? architecture.isHead($0) : architecture.isPooler($0))
                }
            }
            // A new head is there to be trained.
            if given != nil { try source.checkFinite() }
            return head
        }
        let meanLayer = architecture.hasMeanLayer ? architecture.layerPaths.last : nil
        initialized = source.initialized.filter { name in meanLayer.map { !name.contains("\($0).") } ?? true }
        modelParameters = (shared?.encoder.parameters ?? []) + source.parameters + new.parameters
        maxLength = pretrained.maxLength
        if let opened = checkpoint.adapter { try use(opened) }
    }

    // MARK: Adapters

    /// Puts a new adapter on the model. It and the layer of the logits learn from then on, with what the checkpoint lacked.
    ///
    /// - Parameter random: initializes it.
    public func attach(_ configuration: AdapterConfiguration, random: RandomSource) throws(AdapterError) {
        let prefix = encoder.architecture.names.prefix + "."
        var saved = ["classifier", "score"]
        for name in initialized {
            let module = name.split(separator: ".").dropLast().joined(separator: ".")
            let short = module.hasPrefix(prefix) ? String(module.dropFirst(prefix.count)) : module
            if !saved.contains(where: short.hasSuffix) { saved.append(short) }
        }
        let attached = try encoder.attach(
            configuration, from: ParameterSource(nil, random: random), head: head, saved: saved)
        use(
            attached,
            PEFTConfiguration(
                configuration, savedModules: saved, baseModel: pretrained.directory.name, taskType: "SEQ_CLS"))
    }

    private func use(_ opened: OpenedAdapter) throws(ModelError) {
        let attached = try opened.attach(to: encoder, head: head)
        let own = Set(attached.parameters.map(\.name))
        let absent = initialized.filter { !own.contains($0) }
        if !absent.isEmpty {
            throw .incompleteHead(opened.directory.path, base: opened.base.path, names: absent)
        }
        use(attached, opened.configuration)
    }

    private func use(_ attached: Adapter, _ settings: PEFTConfiguration) {
        adapter = AttachedAdapter(adapter: attached, settings: settings)
        maxLength = min(maxLength, encoder.maxTokens)
    }

    /// Loads adapters with their head onto their base. Adapters without a head take the base's.
    public convenience init(
        _ adapters: AdapterHubSetup, on base: ModelDirectory, precision: Precision = .f32
    ) throws(ModelError) {
        try self.init(adapters, OpenedCheckpoint(base))
        try adapters.attach(to: encoder, of: base)
        try freezeIfThereIsRoom(precision)
    }

    /// Puts adapters with their head on an encoder that others stand on too; they are the active ones then.
    ///
    /// - Precondition: `checkIsBase` was asked of the encoder's directory.
    convenience init(_ adapters: AdapterHubSetup, on shared: PretrainedEncoder) throws(ModelError) {
        try self.init(adapters, OpenedCheckpoint(shared.directory), on: shared)
        try adapters.attach(to: encoder, ofChecked: shared.directory)
    }

    /// Makes the head alone, and without a shared encoder that; the adapters are yet to be attached.
    private init(
        _ adapters: AdapterHubSetup, _ checkpoint: OpenedCheckpoint, on shared: PretrainedEncoder? = nil
    ) throws(ModelError) {
        let (architecture, source) = (checkpoint.architecture, checkpoint.source)
        directory = adapters.directory
        pretrained = if let shared { shared } else { try checkpoint.encoder() }
        if adapters.head == nil { try PublishedHead.require(.sequenceClassification, in: checkpoint.configuration) }
        configuration = try loading { () throws(CheckpointError) in
            guard let head = adapters.head else {
                return try ClassifierConfiguration(checkpoint.configuration, in: checkpoint.directory)
            }
            return try ClassifierConfiguration(head, record: Self.record(in: adapters.directory))
        }
        let new = adapters.head.map { ParameterSource($0.weights, random: RandomSource(seed: 0)) }
        let labels = configuration.labels.count
        head = try loading { () throws(CheckpointError) in
            let head = try ClassificationHead(
                source.root, new: new?.root, architecture, head: adapters.head?.architecture(architecture),
                labels: labels)
            if shared == nil {
                try source.checkAllUsed { architecture.isBufferOrPretrainingHead($0) || architecture.isHead($0) }
            }
            try new?.checkAllUsed { _ in false }
            return head
        }
        initialized = []
        modelParameters = (shared?.encoder.parameters ?? []) + source.parameters + (new?.parameters ?? [])
        maxLength = pretrained.maxLength
    }

    // MARK: Both passes

    /// - Returns: `[sequences, hiddenSize]`
    public func encode(
        _ batch: TokenBatch, training random: RandomSource?
    ) -> (features: Tensor, saved: SavedFeatures) {
        let (hidden, saved) = encoder.forward(batch, firstOnly: pooling == .first, training: random)
        let sequences = encoder.rows(of: batch)
        return (pooling.pool(hidden, sequences), SavedFeatures(encoder: saved, sequences: sequences))
    }

    public func backward(features gradient: Tensor, _ saved: SavedFeatures) {
        encoder.backward(pooling.backward(gradient, saved.sequences), saved.encoder)
    }

    // MARK: Inference

    /// The features of the head for tokenized texts, `[ids.count, hiddenSize]`.
    ///
    /// - Parameter shouldStop: asked before each batch.
    /// - Returns: `nil` where it was stopped.
    public func features(_ texts: TokenizedTexts, shouldStop: () -> Bool = { false }) -> Tensor? {
        let (plan, columns) = (frozenEncoder, encoder.architecture.hiddenSize)
        let result = rows(texts, columns: columns) { batch in
            shouldStop() ? .zeros([batch.sequences.count, columns]) : features(plan, batch)
        }
        return shouldStop() ? nil : result
    }

    /// The logits of tokenized texts, `[texts.count, labels.count]`.
    ///
    /// A text's logits do not depend on the other texts, nor on the number of threads.
    public func logits(_ texts: [TokenizedText]) -> Tensor { logits(TokenizedTexts(texts)) }

    public func logits(of inputs: [InputText]) -> Tensor {
        logits(
            UsableItems.map(inputs) { TokenizedText($0.text, pair: $0.pair, tokenizer, maxLength: maxLength) })
    }

    public func logits(_ texts: TokenizedTexts) -> Tensor {
        let plan = frozenEncoder
        return rows(texts, columns: labels.count) { batch in
            head.forward(features(plan, batch)).logits
        }
    }

    private func features(_ plan: InferencePlan, _ batch: TokenBatch) -> Tensor {
        pooling.pool(plan.encode(batch, firstOnly: pooling == .first), plan.rows(of: batch))
    }

    private func rows(_ texts: TokenizedTexts, columns: Int, _ compute: (TokenBatch) -> Tensor) -> Tensor {
        let rows = LengthSortedBatches(texts.lengths).map { batch in compute(TokenBatch(batch.map { texts[$0] })) }
        return Tensor([texts.count, columns], rows.flatMap { $0 })
    }

    private var frozenEncoder: InferencePlan {
        guard let plan else { preconditionFailure("inference without freeze()") }
        return plan
    }

    /// `freeze`, where there is memory for it.
    func freezeIfThereIsRoom(_ precision: Precision) throws(ModelError) {
        plan = try Embeddings.plan(encoder, precision)
        head.pack()
    }

    /// Gives the memory of what was laid out for inference back.
    func thaw() { plan = nil }

    /// Lays the weights out for inference as they are now: for `features` and `logits`, until they change.
    public func freeze(_ precision: Precision = .f32) {
        plan = nil
        encoder.unpack()
        plan = InferencePlan(encoder, precision: precision)
        head.pack()
    }

    /// Packs all matrices for a training step.
    public func pack() {
        plan = nil
        encoder.pack()
        head.pack()
    }
}
