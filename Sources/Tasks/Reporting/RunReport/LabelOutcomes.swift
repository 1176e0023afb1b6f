import Tensors

/// Of every example the labels that were right, given wrongly or missed: few of many, so that examples drawn again and
/// again are counted fast.
struct LabelOutcomes: Sendable {
    private enum Outcome { case right, wrong, missed }
    private let labels: Int
    private var entries: [(label: Int32, outcome: Outcome)] = []
    /// Of each example, and the end.
    private var starts: [Int] = [0]

    /// `nil` for numbers and tags.
    init?(_ targets: Targets, _ scores: Tensor, labels: Int, threshold: Float) {
        self.labels = labels
        for row in 0..<targets.count {
            switch targets {
            case .classes(let classes): add(given: classes[row], predicted: scores.bestColumn(ofRow: row))
            case .labelSets(let sets):
                for (label, (given, score)) in zip(sets.row(row), scores.row(row)).enumerated() {
                    add(label, isGiven: given > 0.5, isPredicted: score >= threshold)
                }
            case .values, .tags: return nil
            }
            starts.append(entries.count)
        }
    }

    private mutating func add(given: Int, predicted: Int) {
        if given == predicted { return entries.append((Int32(given), .right)) }
        entries.append((Int32(predicted), .wrong))
        entries.append((Int32(given), .missed))
    }

    private mutating func add(_ label: Int, isGiven: Bool, isPredicted: Bool) {
        switch (isGiven, isPredicted) {
        case (true, true): entries.append((Int32(label), .right))
        case (false, true): entries.append((Int32(label), .wrong))
        case (true, false): entries.append((Int32(label), .missed))
        case (false, false): break
        }
    }

    /// How often each label was right, given wrongly and missed in some examples.
    func counts(of rows: some Sequence<Int>) -> [MultiLabelMetrics.Counts] {
        var counts = [MultiLabelMetrics.Counts](repeating: MultiLabelMetrics.Counts(), count: labels)
        for row in rows {
            for entry in entries[starts[row]..<starts[row + 1]] {
                switch entry.outcome {
                case .right: counts[Int(entry.label)].truePositives += 1
                case .wrong: counts[Int(entry.label)].falsePositives += 1
                case .missed: counts[Int(entry.label)].falseNegatives += 1
                }
            }
        }
        return counts
    }
}
