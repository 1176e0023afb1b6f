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

    public var count: Int {
        switch self {
        case .classes(let indices): indices.count
        case .labelSets(let tensor), .values(let tensor): tensor.rows
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
        }
    }

    /// The loss that goes with the kind of the targets, as transformers chooses it, and its gradient by the logits.
    package func loss(_ logits: Tensor) -> (loss: Double, gradient: Tensor) {
        switch self {
        case .classes(let indices): CrossEntropyLoss.evaluate(logits, targets: indices)
        case .labelSets(let tensor): BinaryCrossEntropyLoss.evaluate(logits, targets: tensor)
        case .values(let tensor): MeanSquaredErrorLoss.evaluate(logits, targets: tensor)
        }
    }
}
