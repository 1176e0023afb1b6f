public import Tensors

/// What a family's published classification head is made of: a summary of the sequence, at most one dense layer with an
/// activation, and the layer of the logits.
public struct HeadArchitecture: Equatable, Sendable {
    /// The class that transformers gives it, without the task: `Bert` of `BertForSequenceClassification`.
    public var classPrefix: String
    public var pooling = HeadPooling.first
    /// The place of the dense layer, `nil` where there is none.
    public var dense: String?
    public var denseHasBias = true
    public var activation: Activation = .tanh
    /// The place of a normalization behind the activation.
    public var norm: String?
    /// Of the summary, before the dense layer.
    public var inputDropout: Float = 0
    /// Before the layer of the logits.
    public var dropout: Float
    /// The place of the layer of the logits.
    public var output = "classifier"
    /// Whether the dense layer is part of the published encoder (BERT's pooler), so that a new head keeps its values.
    public var keepsDense = false

    /// Whether the head for tokens has the dense layer and the normalization too.
    public var isSameForTokens = false

    /// The head that gives every token a label: what the family's `...ForTokenClassification` has.
    public var forTokens: HeadArchitecture {
        if isSameForTokens { return self }
        var head = self
        (head.dense, head.norm, head.inputDropout, head.output) = (nil, nil, 0, "classifier")
        head.keepsDense = false
        return head
    }
}

/// What a head sees of a sequence.
public enum HeadPooling: Equatable, Sendable {
    /// The first token's hidden state.
    case first
    /// The mean of all hidden states.
    case mean
}
