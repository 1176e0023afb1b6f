public import Tensors

/// What the examples of a batch are labelled with.
public enum SentenceTargets: Equatable, Sendable {
    case none
    /// A number each.
    case scores([Float])
    /// The index of a label each.
    case classes([Int])
    /// A teacher's vectors, `[examples, size]` for each column.
    case vectors([Tensor])
    /// The ids of a text each.
    case texts([[Int32]])

    /// Those of some examples.
    public func gather(_ examples: [Int]) -> SentenceTargets {
        switch self {
        case .none: .none
        case .scores(let scores): .scores(examples.map { scores[$0] })
        case .classes(let classes): .classes(examples.map { classes[$0] })
        case .vectors(let columns): .vectors(columns.map { $0.gather(examples.map { Int32($0) }) })
        case .texts(let texts): .texts(examples.map { texts[$0] })
        }
    }

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

    var texts: [[Int32]] {
        guard case .texts(let texts) = self else { preconditionFailure("the loss needs a text for each example") }
        return texts
    }
}
