public import Checkpoints
public import Embeddings
import JSON
import SystemPackage
public import Tensors
public import Tokenizers
public import Transformer

/// BERT with a classification head: the pooled first token, dropout, and a linear layer.
///
/// Source: Devlin et al. 2019, "BERT", §4.1; the names are those of transformers' `BertForSequenceClassification`.
public final class SequenceClassifier {
    public let pretrained: PretrainedEncoder
    public let pooler: BertPooler
    public let classifier: Linear
    public let labels: [String]
    let dropout: Float
    /// All parameters, from the bottom up.
    public let parameters: [Parameter]
    /// Those of the encoder and the pooler that the checkpoint lacked; they start from random numbers.
    public let initialized: [String]
    /// The number of tokens, special tokens included, after which a text is cut.
    public var maxLength: Int

    private var plan: BertInferencePlan?

    public struct Saved: Sendable {
        let encoder: BertEncoder.Saved
        let head: HeadSaved
    }

    public struct HeadSaved: Sendable {
        let pooler: BertPooler.Saved
        let mask: DropoutMask?
        let classifier: Linear.Saved
    }

    public var encoder: BertEncoder { pretrained.encoder }
    /// Whether the model tells two texts of one input apart.
    public var acceptsPairs: Bool { encoder.configuration.typeVocabSize > 1 }
    public var tokenizer: Tokenizer { pretrained.tokenizer }

    /// Puts a new head on a pretrained encoder.
    ///
    /// - Parameter random: initializes the head, and the pooler where the checkpoint has none.
    public convenience init(
        pretrained directory: ModelDirectory, labels: [String], random: RandomSource
    ) throws(ModelError) {
        try self.init(directory, labels: labels, random: random, isNewHead: true)
    }

    /// Loads a classifier that has its head.
    ///
    /// - Parameter precision: of the encoder's products, which is available.
    public convenience init(_ directory: ModelDirectory, precision: Precision = .f32) throws(ModelError) {
        try self.init(directory, labels: nil, random: RandomSource(seed: 0), isNewHead: false)
        plan = try Embeddings.plan(encoder, precision)
        packHead()
    }

    private init(
        _ directory: ModelDirectory, labels given: [String]?, random: RandomSource, isNewHead: Bool
    ) throws(ModelError) {
        let (configuration, source) = try loading { () throws(CheckpointError) in
            (
                try directory.openConfiguration(),
                ParameterSource(try directory.openWeights(), spellings: BertEncoder.spellings, random: random)
            )
        }
        let labels = try loading { () throws(CheckpointError) in
            if let given { given } else { try ClassifierConfiguration.labels(configuration) }
        }
        self.labels = labels
        pretrained = try PretrainedEncoder(directory, configuration, from: source)
        let bert = pretrained.encoder.configuration
        (pooler, classifier, dropout) = try loading { () throws(CheckpointError) in
            let root = isNewHead ? source.root.initializing : source.root
            let pooler = try BertPooler(root["bert"]["pooler"], bert)
            // A head that the checkpoint has may be for other labels: a new one never takes its values.
            let head = isNewHead ? ParameterSource(nil, random: random) : source
            let classifier = try Linear(
                head.root["classifier"], inputSize: bert.hiddenSize, outputSize: labels.count,
                standardDeviation: bert.initializerRange)
            try source.checkAllUsed { name in
                BertEncoder.isBufferOrPretrainingHead(name) || isNewHead && name.hasPrefix("classifier.")
            }
            let dropout = try configuration.number(
                "classifier_dropout", absent: Double(bert.hiddenDropoutProb), in: 0...0.99)
            return (pooler, classifier, Float(dropout))
        }
        initialized = source.initialized
        parameters = source.parameters + (isNewHead ? [classifier.weight, classifier.bias] : [])
        maxLength = pretrained.maxLength
    }

    // MARK: Both passes

    /// - Returns: `[sequences, labels]`
    public func forward(
        _ batch: TokenBatch, training random: RandomSource? = nil
    ) -> (logits: Tensor, saved: Saved) {
        let (features, encoderSaved) = encoder.forward(batch, firstOnly: true, training: random)
        let (logits, head) = forward(features: features, training: random)
        return (logits, Saved(encoder: encoderSaved, head: head))
    }

    /// Adds to the gradients of all trainable parameters.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        encoder.backward(backward(features: gradient, saved.head), saved.encoder)
    }

    /// The head alone.
    ///
    /// - Parameter features: the first token's hidden state of every sequence, `[sequences, hiddenSize]`.
    public func forward(
        features: Tensor, training random: RandomSource? = nil
    ) -> (logits: Tensor, saved: HeadSaved) {
        var (pooled, poolerSaved) = pooler.forward(features)
        let mask = DropoutMask(probability: dropout, random: random)
        pooled.apply(mask)
        let (logits, classifierSaved) = classifier.forward(pooled)
        return (logits, HeadSaved(pooler: poolerSaved, mask: mask, classifier: classifierSaved))
    }

    /// Adds to the head's gradients, and returns the gradient of the features.
    public func backward(features gradient: Tensor, _ saved: HeadSaved) -> Tensor {
        var pooled = classifier.backward(gradient, saved.classifier)
        pooled.apply(saved.mask)
        return pooler.backward(pooled, saved.pooler)
    }

    // MARK: Inference

    /// The features of the head for tokenized texts, `[ids.count, hiddenSize]`.
    public func features(_ texts: [TokenizedText]) -> Tensor {
        let plan = frozenEncoder
        return rows(texts, columns: encoder.configuration.hiddenSize) { batch in
            plan.encode(batch, firstOnly: true)
        }
    }

    /// The logits of tokenized texts, `[texts.count, labels.count]`.
    ///
    /// A text's logits do not depend on the other texts, nor on the number of threads.
    public func logits(_ texts: [TokenizedText]) -> Tensor {
        let plan = frozenEncoder
        return rows(texts, columns: labels.count) { batch in
            forward(features: plan.encode(batch, firstOnly: true)).logits
        }
    }

    private func rows(_ texts: [TokenizedText], columns: Int, _ compute: (TokenBatch) -> Tensor) -> Tensor {
        let rows = LengthSortedBatches(texts.map(\.count)).map { batch in compute(TokenBatch(batch.map { texts[$0] })) }
        return Tensor([texts.count, columns], rows.flatMap { $0 })
    }

    private var frozenEncoder: BertInferencePlan {
        guard let plan else { preconditionFailure("inference without freeze()") }
        return plan
    }

    /// Lays the weights out for inference as they are now: for `features` and `logits`, until they change.
    public func freeze(_ precision: Precision = .f32) {
        plan = nil
        encoder.unpack()
        plan = BertInferencePlan(encoder, precision: precision)
        packHead()
    }

    /// Packs all matrices for a training step.
    func pack() {
        plan = nil
        encoder.pack()
        packHead()
    }

    private func packHead() {
        pooler.dense.pack()
        classifier.pack()
    }
}
