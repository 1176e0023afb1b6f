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
    public let labels: [String]
    /// All parameters, from the bottom up.
    public let parameters: [Parameter]
    /// Those of the encoder and its pooler that the checkpoint lacked; they start from random numbers.
    public let initialized: [String]
    /// The number of tokens, special tokens included, after which a text is cut.
    public var maxLength: Int

    private var plan: InferencePlan?

    public struct Saved: Sendable {
        let encoder: TransformerEncoder.Saved
        let head: ClassificationHead.Saved
        let sequences: [Range<Int>]
    }

    public var encoder: TransformerEncoder { pretrained.encoder }
    private var pooling: HeadPooling { head.architecture.pooling }
    /// Whether the model takes two texts as one input.
    public var acceptsPairs: Bool { pretrained.acceptsPairs }
    public var tokenizer: Tokenizer { pretrained.tokenizer }

    /// Puts a new head on a pretrained encoder.
    ///
    /// - Parameter random: initializes the head, and BERT's pooler where the checkpoint has none.
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
        head.pack()
    }

    private init(
        _ directory: ModelDirectory, labels given: [String]?, random: RandomSource, isNewHead: Bool
    ) throws(ModelError) {
        let (configuration, architecture, source) = try loading { () throws(CheckpointError) in
            let configuration = try directory.openConfiguration()
            let architecture = try EncoderArchitecture(configuration)
            let weights = try directory.openWeights()
            return (
                configuration, architecture,
                ParameterSource(weights, spellings: architecture.spellings, random: random)
            )
        }
        let labels = try loading { () throws(CheckpointError) in
            if let given { given } else { try ClassifierConfiguration.labels(configuration) }
        }
        self.labels = labels
        pretrained = try PretrainedEncoder(directory, configuration, architecture, from: source)
        // A head that the checkpoint has may be for other labels: a new one never takes its values.
        let new = ParameterSource(nil, random: random)
        head = try loading { () throws(CheckpointError) in
            let head = try ClassificationHead(
                isNewHead ? source.root.initializing : source.root, new: isNewHead ? new.root : nil, architecture,
                labels: labels.count)
            try source.checkAllUsed {
                architecture.isBufferOrPretrainingHead($0)
                    || (isNewHead ? architecture.isHead($0) : architecture.isPooler($0))
            }
            return head
        }
        initialized = source.initialized
        parameters = source.parameters + new.parameters
        maxLength = pretrained.maxLength
    }

    // MARK: Both passes

    /// - Returns: `[sequences, labels]`
    public func forward(
        _ batch: TokenBatch, training random: RandomSource? = nil
    ) -> (logits: Tensor, saved: Saved) {
        let (hidden, encoderSaved) = encoder.forward(batch, firstOnly: pooling == .first, training: random)
        let (logits, headSaved) = head.forward(pooling.pool(hidden, batch.sequences), training: random)
        return (logits, Saved(encoder: encoderSaved, head: headSaved, sequences: batch.sequences))
    }

    /// Adds to the gradients of all trainable parameters.
    public func backward(_ gradient: Tensor, _ saved: Saved) {
        let features = head.backward(gradient, saved.head)
        encoder.backward(pooling.backward(features, saved.sequences), saved.encoder)
    }

    // MARK: Inference

    /// The features of the head for tokenized texts, `[ids.count, hiddenSize]`.
    public func features(_ texts: [TokenizedText]) -> Tensor {
        let plan = frozenEncoder
        return rows(texts, columns: encoder.architecture.hiddenSize) { features(plan, $0) }
    }

    /// The logits of tokenized texts, `[texts.count, labels.count]`.
    ///
    /// A text's logits do not depend on the other texts, nor on the number of threads.
    public func logits(_ texts: [TokenizedText]) -> Tensor {
        let plan = frozenEncoder
        return rows(texts, columns: labels.count) { batch in
            head.forward(features(plan, batch)).logits
        }
    }

    private func features(_ plan: InferencePlan, _ batch: TokenBatch) -> Tensor {
        pooling.pool(plan.encode(batch, firstOnly: pooling == .first), batch.sequences)
    }

    private func rows(_ texts: [TokenizedText], columns: Int, _ compute: (TokenBatch) -> Tensor) -> Tensor {
        let rows = LengthSortedBatches(texts.map(\.count)).map { batch in compute(TokenBatch(batch.map { texts[$0] })) }
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
    func pack() {
        plan = nil
        encoder.pack()
        head.pack()
    }
}
