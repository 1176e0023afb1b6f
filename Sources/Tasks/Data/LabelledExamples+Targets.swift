import SystemPackage
import Tensors

extension LabelledExamples {
    /// The kind of problem that the labels look like: numbers that are not all whole are values; lists, and labels that
    /// combine a few parts in more ways than there are parts, are sets; all else is one label an example.
    public var likelyProblem: ProblemType {
        let numbers = examples.flatMap { $0.listedLabels ?? [$0.label] }.map(Self.number)
        let areLists = examples.contains { $0.listedLabels != nil }
        if numbers.allSatisfy({ $0 != nil }) {
            if numbers.contains(where: { $0?.rounded() != $0 }) { return .regression }
            return areLists ? .multiLabel : .singleLabel
        }
        if areLists { return .multiLabel }
        let single = Set(examples.map(\.label))
        let parts = Set(examples.flatMap(labelSet))
        // Labels with a separator in their own names have more parts than there are labels.
        return single.contains { $0.contains(labelSeparator) } && parts.count < single.count
            ? .multiLabel : .singleLabel
    }

    /// The labels in use, sorted: by number where all of them are integers, else by their bytes. Of numbers a name for each
    /// that the first example has.
    public func labels(for problem: ProblemType) -> [String] {
        switch problem {
        case .singleLabel: Self.sorted(Set(examples.map(\.label)))
        case .multiLabel: Self.sorted(Set(examples.flatMap(labelSet)))
        // As transformers names outputs.
        case .regression: (0..<(examples[0].listedLabels?.count ?? 1)).map { "LABEL_\($0)" }
        }
    }

    /// The same, where a head can be trained with them.
    public func headLabels(for problem: ProblemType) throws(CorpusError) -> [String] {
        let labels = labels(for: problem)
        switch problem {
        case .singleLabel where labels.count < 2:
            if labels == [""] { throw .emptyLabel(file, line: examples[0].line) }
            throw .singleLabel(file, label: labels[0])
        case .multiLabel where labels.isEmpty, .regression where labels.isEmpty: throw .noLabels(file)
        default: return labels
        }
    }

    /// - Parameter labels: of the head, in the order of its logits.
    public func targets(_ labels: [String], for problem: ProblemType) throws(CorpusError) -> Targets {
        switch problem {
        case .singleLabel: .classes(try classes(labels))
        case .multiLabel: .labelSets(try labelSets(labels))
        case .regression: .values(Tensor([examples.count, labels.count], try values(count: labels.count)))
        }
    }

    private func classes(_ labels: [String]) throws(CorpusError) -> [Int] {
        let indices = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
        var targets: [Int] = []
        for example in examples {
            if example.label.isEmpty { throw .emptyLabel(file, line: example.line) }
            guard let index = indices[example.label] else {
                throw .unknownLabel(file, line: example.line, label: example.label, known: labels)
            }
            targets.append(index)
        }
        return targets
    }

    private func labelSets(_ labels: [String]) throws(CorpusError) -> Tensor {
        let indices = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
        var values = [Float](repeating: 0, count: examples.count * labels.count)
        for (row, example) in examples.enumerated() {
            for label in labelSet(example) {
                guard let index = indices[label] else {
                    throw .unknownLabel(file, line: example.line, label: label, known: labels)
                }
                values[row * labels.count + index] = 1
            }
        }
        return Tensor([examples.count, labels.count], values)
    }

    /// - Parameter count: of each example. Several come as a JSON array alone: a comma may be a decimal one.
    private func values(count: Int) throws(CorpusError) -> [Float] {
        var values: [Float] = []
        for example in examples {
            let texts = example.listedLabels ?? [example.label]
            if texts == [""] { throw .emptyLabel(file, line: example.line) }
            guard texts.count == count else {
                throw .wrongValueCount(file, line: example.line, found: texts.count, expected: count)
            }
            for text in texts {
                guard let value = Self.number(text) else { throw .notANumber(file, line: example.line, label: text) }
                values.append(value)
            }
        }
        return values
    }

    /// The labels of one example; none where the field is empty.
    private func labelSet(_ example: Example) -> [String] {
        if let listed = example.listedLabels { return listed }
        return example.label.split(separator: labelSeparator).compactMap { part in
            let words = part.split(separator: " ")
            return words.isEmpty ? nil : words.joined(separator: " ")
        }
    }

    private static func number(_ text: String) -> Float? { Float(text).flatMap { $0.isFinite ? $0 : nil } }

    private static func sorted(_ names: Set<String>) -> [String] {
        // Only as it is usually written: "1" and "01" are two labels, in the order of their bytes.
        let numbers = names.compactMap { name in Int(name).flatMap { "\($0)" == name ? $0 : nil } }
        if numbers.count == names.count { return numbers.sorted().map { "\($0)" } }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
