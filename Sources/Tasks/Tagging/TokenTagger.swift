public import Checkpoints
public import Embeddings
public import Tensors
public import Tokenizers
public import Transformer

/// An encoder with its family's head for tokens, such as one that recognizes names.
///
/// Source: Devlin et al. 2019, "BERT", §5.3 and figure 4d; the names are those of transformers'
/// `...ForTokenClassification`.
public final class TokenTagger {
    public let pretrained: PretrainedEncoder
    /// In the order of the logits, such as `O`, `B-PER`, `I-PER`.
    public let labels: [String]
    /// The number of tokens, special tokens included, after which a text is cut.
    public var maxLength: Int
    public let head: ClassificationHead
    /// Of the encoder and of the head, from the bottom up.
    public let parameters: [Parameter]
    var plan: InferencePlan?

    public var tokenizer: Tokenizer { pretrained.tokenizer }

    /// Puts a new head on a pretrained encoder.
    ///
    /// - Parameters:
    ///   - dropout: of all activations while training, in place of what the model says.
    ///   - random: initializes the head.
    public init(
        pretrained directory: ModelDirectory, labels: [String], dropout: Float? = nil, random: RandomSource
    ) throws(ModelError) {
        var checkpoint = try OpenedCheckpoint(directory, random: random)
        try checkpoint.requireModel(for: "finetune")
        if let dropout { checkpoint.architecture.setDropout(dropout) }
        let (architecture, source) = (checkpoint.architecture, checkpoint.source)
        self.labels = labels
        pretrained = try checkpoint.encoder()
        // A head that the checkpoint has may be for other labels: a new one never takes its values.
        let new = ParameterSource(nil, random: random)
        head = try loading { () throws(CheckpointError) in
            let head = try ClassificationHead(
                source.root, new: new.root, architecture, head: architecture.head.forTokens, labels: labels.count)
            try source.checkAllUsed { architecture.isBufferOrPretrainingHead($0) || architecture.isHead($0) }
            try source.checkFinite()
            return head
        }
        parameters = source.parameters + new.parameters
        maxLength = pretrained.maxLength
    }

    /// Loads a tagger that has its head.
    ///
    /// - Parameter precision: of the encoder's products, which is available.
    public init(_ directory: ModelDirectory, precision: Precision = .f32) throws(ModelError) {
        let checkpoint = try OpenedCheckpoint(directory)
        try checkpoint.requireModel(for: "tag")
        try PublishedHead.require(.tokenClassification, in: checkpoint.configuration)
        let labels = try loading { () throws(CheckpointError) in
            try ClassifierConfiguration.labels(checkpoint.configuration)
        }
        self.labels = labels
        pretrained = try checkpoint.encoder()
        head = try loading { () throws(CheckpointError) in
            let architecture = checkpoint.architecture
            let head = try ClassificationHead(
                checkpoint.source.root, architecture, head: architecture.head.forTokens, labels: labels.count)
            try checkpoint.source.checkAllUsed {
                architecture.isBufferOrPretrainingHead($0) || architecture.isPooler($0)
            }
            return head
        }
        parameters = checkpoint.source.parameters
        maxLength = pretrained.maxLength
        plan = try Embeddings.plan(pretrained.encoder, precision)
        head.pack()
    }

    /// The logits of every token of tokenized texts, `[tokens, labels.count]` each.
    ///
    /// A text's logits do not depend on the other texts, nor on the number of threads.
    public func logits(_ texts: [TokenizedText]) -> [Tensor] {
        let plan = frozenEncoder
        return LengthSortedBatches(texts.map(\.count)).mapEach { batch in
            let tokens = TokenBatch(batch.map { texts[$0] })
            let logits = head.forward(plan.encode(tokens)).logits
            return tokens.sequences.map { logits.rows($0) }
        }
    }

    var frozenEncoder: InferencePlan {
        guard let plan else { preconditionFailure("inference without freeze()") }
        return plan
    }

    /// The tokens of a text that are not special, with their scores.
    ///
    /// - Parameters:
    ///   - encoding: of the text.
    ///   - logits: of all its tokens.
    func tokens(of text: String, _ encoding: Encoding, logits: Tensor) -> [TaggedToken] {
        let scores = logits.softmaxedRows()
        let scalars = Array(text.unicodeScalars)
        let names = encoding.tokens
        return encoding.ids.indices.filter { encoding.specialTokensMask[$0] == 0 }.map { index in
            let range = encoding.offsets[index]
            return TaggedToken(
                scores: Array(scores.row(index)), range: range,
                continuesWord: encoding.ids[index] != tokenizer.unkID
                    && continuesWord(names[index], at: range, in: scalars))
        }
    }

    /// Whether a token goes on with the word of the one before: where the model marks such tokens, one that is longer
    /// than its text; else one that no blank precedes. Both are transformers' rules.
    private func continuesWord(_ token: String, at range: Range<Int>, in scalars: [Unicode.Scalar]) -> Bool {
        if tokenizer.marksContinuations { return token.unicodeScalars.count != range.count }
        guard range.lowerBound > 0 else { return false }
        return !scalars[range.lowerBound - 1..<min(range.lowerBound + 1, scalars.count)].contains(" ")
    }
}
