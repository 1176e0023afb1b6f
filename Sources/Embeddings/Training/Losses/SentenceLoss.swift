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

/// What the examples of a batch are labelled with.
public enum SentenceTargets: Equatable, Sendable {
    case none
    /// A number each.
    case scores([Float])
    /// The index of a label each.
    case classes([Int])
    /// A teacher's vectors, `[examples, size]` for each column.
    case vectors([Tensor])

    var scores: [Float] {
        guard case .scores(let scores) = self else { preconditionFailure("the loss needs a score for each example") }
        return scores
    }

    var classes: [Int] {
        guard case .classes(let classes) = self else { preconditionFailure("the loss needs a label for each example") }
        return classes
    }

    var vectors: [Tensor] {
        guard case .vectors(let vectors) = self else { preconditionFailure("the loss needs a teacher's vectors") }
        return vectors
    }
}
