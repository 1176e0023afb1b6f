public import Tensors
import Transformer

/// What a head is to say about examples.
public enum Targets: Equatable, Sendable {
    /// The index of each example's label.
    case classes([Int])
    /// 1 where the example has the label, `[examples, labels]`.
    case labelSets(Tensor)
    /// `[examples, numbers]`
    case values(Tensor)
    /// For each text and token the index of the token's label, -1 where it has none.
    case tags([[Int]])

    public var count: Int {
        switch self {
        case .classes(let indices): indices.count
        case .labelSets(let tensor), .values(let tensor): tensor.rows
        case .tags(let texts): texts.count
        }
    }

    /// Where label `i` has the new index `places[i]`; sets and numbers stay as they are.
    func relabelled(_ places: [Int]) -> Targets {
        if case .classes(let indices) = self { .classes(indices.map { places[$0] }) } else { self }
    }

    /// Of the given examples alone.
    func gather(_ rows: some Collection<Int>) -> Targets {
        switch self {
        case .classes(let indices): .classes(rows.map { indices[$0] })
        case .labelSets(let tensor): .labelSets(tensor.gather(rows.map { Int32($0) }))
        case .values(let tensor): .values(tensor.gather(rows.map { Int32($0) }))
        case .tags(let texts): .tags(rows.map { texts[$0] })
        }
    }

    /// The loss that goes with the kind of the targets, as transformers chooses it, and its gradient by the logits.
    package func loss(_ logits: Tensor) -> (loss: Double, gradient: Tensor) {
        switch self {
        case .classes(let indices): CrossEntropyLoss.evaluate(logits, targets: indices)
        case .labelSets(let tensor): BinaryCrossEntropyLoss.evaluate(logits, targets: tensor)
        case .values(let tensor): MeanSquaredErrorLoss.evaluate(logits, targets: tensor)
        case .tags: TrainingObjective().loss(logits, self)
        }
    }

    /// Of each text and token; of other kinds none.
    var tags: [[Int]] { if case .tags(let texts) = self { texts } else { [] } }

    /// What each row of a head's features is to say: of tags the labelled tokens have rows, and classes.
    var ofRows: Targets {
        if case .tags(let texts) = self { .classes(texts.flatMap { $0.filter { $0 >= 0 } }) } else { self }
    }

    /// The tokens of all texts, one text after the other, that have a label; of other kinds none.
    var labelledTokens: [Int32] {
        let all = tags.joined()
        return zip(0..., all).filter { $0.1 >= 0 }.map { Int32($0.0) }
    }

    /// The rows of examples in the features of all.
    func featureRows(of examples: [Int]) -> [Int32] {
        guard case .tags(let texts) = self else { return examples.map { Int32($0) } }
        var starts = [0]
        for tags in texts { starts.append(starts[starts.count - 1] + tags.count { $0 >= 0 }) }
        return examples.flatMap { Int32(starts[$0])..<Int32(starts[$0 + 1]) }
    }
}
