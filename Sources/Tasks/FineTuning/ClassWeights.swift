import Tensors

/// What each label counts in the loss.
public enum ClassWeights: Equatable, Sendable {
    /// The rarer, the more: of single labels `examples / (labels · examples of the label)`, as scikit-learn's `balanced`;
    /// of sets, how often a label is absent for each time it is there.
    case balanced
    /// Of labels by name; the others count 1.
    case given([String: Double])

    /// `balanced`, or `label=weight,label=weight`.
    public init?(_ text: String) {
        if text == "balanced" {
            self = .balanced
            return
        }
        var weights: [String: Double] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let sign = part.lastIndex(of: "="), let weight = Double(part[part.index(after: sign)...]),
                weight >= 0, weight.isFinite, weights.updateValue(weight, forKey: String(part[..<sign])) == nil
            else { return nil }
        }
        self = .given(weights)
    }

    /// - Returns: a weight for each label, in their order.
    public func weights(of labels: [String], in targets: Targets) throws(OptimizationError) -> [Double] {
        switch self {
        case .given(let weights):
            if let name = weights.keys.sorted().first(where: { !labels.contains($0) }) {
                throw .unknownLabel(name, option: "--class-weights", labels: labels)
            }
            let all = labels.map { weights[$0] ?? 1 }
            if !all.contains(where: { $0 > 0 }) { throw .noWeight(option: "--class-weights") }
            return all
        case .balanced: return Self.balance(labels.count, targets)
        }
    }

    private static func balance(_ labels: Int, _ targets: Targets) -> [Double] {
        var counts = [Double](repeating: 0, count: labels)
        let examples = Double(targets.ofRows.count)
        switch targets.ofRows {
        case .classes(let indices):
            for index in indices { counts[index] += 1 }
            return counts.map { $0 > 0 ? examples / (Double(labels) * $0) : 1 }
        case .labelSets(let sets):
            for (place, value) in sets.values.enumerated() where value > 0.5 { counts[place % labels] += 1 }
            return counts.map { $0 > 0 && $0 < examples ? (examples - $0) / $0 : 1 }
        case .values, .tags: return counts.map { _ in 1 }
        }
    }
}
