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
public final class SequenceClassifier {
    public let pretrained: PretrainedEncoder
    public let head: ClassificationHead
    let configuration: ClassifierConfiguration
    /// All parameters, from the bottom up.
    public let parameters: [Parameter]
    /// Those of the encoder and its pooler that the checkpoint lacked; they start from random numbers.
    public let initialized: [String]
    /// The number of tokens, special tokens included, after which a text is cut.
    public var maxLength: Int
    /// The score from which on a label of a multi-label head is given.
    public var threshold: Float = 0.5

    private var plan: InferencePlan?

    public var labels: [String] { configuration.labels }
    public var problem: ProblemType { configuration.problem }
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
        try self.init(directory, new: nil, random: RandomSource(seed: 0))
        plan = try Embeddings.plan(encoder, precision)
        head.pack()
    }

    private init(
        _ directory: ModelDirectory, new given: ClassifierConfiguration?, meanLayer: Bool = false,
        dropout: Float? = nil, random: RandomSource
    ) throws(ModelError) {
        var checkpoint = try OpenedCheckpoint(directory, random: random)
        if let dropout { checkpoint.architecture.setDropout(dropout) }
        if meanLayer, checkpoint.architecture.canHaveMeanLayer,
            try loading({ () throws(CheckpointError) in try SentenceModules.publishesMean(directory) })
        {
            checkpoint.architecture.addMeanLayer()
        }
        let (architecture, source) = (checkpoint.architecture, checkpoint.source)
        let isNewHead = given != nil
        if !isNewHead { try PublishedHead.require(.sequenceClassification, in: checkpoint.configuration) }
        let configuration = try loading { () throws(CheckpointError) in
            if let given { given } else { try ClassifierConfiguration(checkpoint.configuration, in: directory) }
        }
        self.configuration = configuration
        pretrained = try checkpoint.encoder()
        // A head that the checkpoint has may be for other labels: a new one never takes its values.
        let new = ParameterSource(nil, random: random)
        head = try loading { () throws(CheckpointError) in
            let head = try ClassificationHead(
                isNewHead ? source.root.initializing : source.root, new: isNewHead ? new.root : nil, architecture,
                labels: configuration.labels.count)
            try source.checkAllUsed {
                architecture.isBufferOrPretrainingHead($0)
                    || (isNewHead ? architecture.isHead($0) : architecture.isPooler($0))
            }
            return head
        }
        let meanLayer = architecture.hasMeanLayer ? architecture.layerPaths.last : nil
        initialized = source.initialized.filter { name in meanLayer.map { !name.contains("\($0).") } ?? true }
        parameters = source.parameters + new.parameters
        maxLength = pretrained.maxLength
    }

    // MARK: Both passes

    /// - Returns: `[sequences, labels]`
    public func forward(
        _ batch: TokenBatch, training random: RandomSource? = nil
    ) -> (logits: Tensor, saved: SavedForward) {
        let (hidden, encoderSaved) = encoder.forward(batch, firstOnly: pooling == .first, training: random)
        let (logits, headSaved) = head.forward(pooling.pool(hidden, batch.sequences), training: random)
        return (logits, SavedForward(encoder: encoderSaved, head: headSaved, sequences: batch.sequences))
    }

    /// Adds to the gradients of all trainable parameters.
    public func backward(_ gradient: Tensor, _ saved: SavedForward) {
        let features = head.backward(gradient, saved.head)
        encoder.backward(pooling.backward(features, saved.sequences), saved.encoder)
    }

    // MARK: Inference

    /// The features of the head for tokenized texts, `[ids.count, hiddenSize]`.
    public func features(_ texts: TokenizedTexts) -> Tensor {
        let plan = frozenEncoder
        return rows(texts, columns: encoder.architecture.hiddenSize) { features(plan, $0) }
    }

    /// The logits of tokenized texts, `[texts.count, labels.count]`.
    ///
    /// A text's logits do not depend on the other texts, nor on the number of threads.
    public func logits(_ texts: [TokenizedText]) -> Tensor { logits(TokenizedTexts(texts)) }

    public func logits(_ texts: TokenizedTexts) -> Tensor {
        let plan = frozenEncoder
        return rows(texts, columns: labels.count) { batch in
            head.forward(features(plan, batch)).logits
        }
    }

    /// Probabilities of single labels, one probability a label, or the numbers themselves, as the head was published.
    public func scores(_ logits: Tensor) -> Tensor {
        switch configuration.scoring {
        case .softmax: logits.softmaxedRows()
        case .sigmoid: logits.sigmoided()
        case .identity: logits
        }
    }

    private func features(_ plan: InferencePlan, _ batch: TokenBatch) -> Tensor {
        pooling.pool(plan.encode(batch, firstOnly: pooling == .first), batch.sequences)
    }

    private func rows(_ texts: TokenizedTexts, columns: Int, _ compute: (TokenBatch) -> Tensor) -> Tensor {
        let rows = LengthSortedBatches(texts.lengths).map { batch in compute(TokenBatch(batch.map { texts[$0] })) }
        return Tensor([texts.count, columns], rows.flatMap { $0 })
    }

    private var frozenEncoder: InferencePlan {
        guard let plan else { preconditionFailure("inference without freeze()") }
        return plan
    }

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
