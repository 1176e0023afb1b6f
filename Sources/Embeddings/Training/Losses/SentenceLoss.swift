public import Tensors
public import Transformer

/// What training a sentence encoder makes smaller: a function of the vectors of a batch's texts.
public protocol SentenceLoss {
    /// What learns together with the encoder, and is not part of what is written.
    var parameters: [Parameter] { get }

    /// - Parameters:
    ///   - columns: the vectors, `[examples, size]` for each column of texts.
    ///   - targets: what the examples are labelled with.
    /// - Returns: the loss, and its gradient by the vectors of each column. Adds to the gradients of `parameters`.
    func evaluate(_ columns: [Tensor], _ targets: SentenceTargets) -> SentenceLossResult
}

extension SentenceLoss {
    public var parameters: [Parameter] { [] }
}

public typealias SentenceLossResult = (loss: Double, gradients: [Tensor])
