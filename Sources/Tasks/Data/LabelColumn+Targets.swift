import SystemPackage
import Tensors

extension LabelColumn {
    /// The kind of problem that the labels look like: numbers that are not all whole are values; lists, and labels that
    /// combine a few parts in more ways than there are parts, are sets; all else is one label an example.
    public var likelyProblem: ProblemType {
        let texts = entries.flatMap { $0.listed ?? [$0.label] }.map(Self.number)
        let areLists = entries.contains { $0.listed != nil }
        if texts.allSatisfy({ $0 != nil }) {
            if firstNumber != nil || texts.contains(where: { $0?.rounded() != $0 }) { return .regression }
            return areLists ? .multiLabel : .singleLabel
        }
        if areLists { return .multiLabel }
        let single = Set(entries.map(\.label))
        let parts = Set(entries.flatMap(labelSet))
        // Labels with a separator in their own names have more parts than there are labels.
        return single.contains { $0.contains(separator) } && parts.count < single.count ? .multiLabel : .singleLabel
    }

    /// The kind of problem, which the caller has given or the labels must show without doubt.
    public func problem(_ given: ProblemType?) throws(CorpusError) -> ProblemType {
        if let given { return given }
        func isNumber(_ entry: Entry) -> Bool { entry.listed == nil && Self.number(entry.label) != nil }
        // Numbers beside a list are values that do not fit; an empty label has an error of its own.
        let word = entries.first { !isNumber($0) && ($0.listed == nil || firstNumber != nil) && !$0.label.isEmpty }
        if let word, let number = firstNumber ?? entries.first(where: isNumber) {
            throw .mixedLabels(
                file, number: number.label, line: number.line, word: word.label, wordLine: word.line)
        }
        return likelyProblem
    }

    /// The labels in use, sorted: by number where all of them are integers, else by their bytes. Of numbers a name for
    /// each that the first example has.
    public func labels(for problem: ProblemType) -> [String] {
        switch problem {
        case .singleLabel: names ?? Self.sorted(Set(entries.map(\.label)))
        case .multiLabel: names ?? Self.sorted(Set(entries.flatMap(labelSet)))
        // As transformers names outputs.
        case .regression: (0..<(entries.first?.listed?.count ?? 1)).map { "LABEL_\($0)" }
        }
    }

    /// The same, where a head can be trained with them.
    public func headLabels(for problem: ProblemType) throws(CorpusError) -> [String] {
        let labels = labels(for: problem)
        switch problem {
        case .singleLabel where Set(entries.map(\.label)).count < 2:
            if entries.first?.label == "" { throw .emptyLabel(file, line: entries[0].line) }
            throw .singleLabel(file, label: entries[0].label)
        case .multiLabel where labels.isEmpty, .regression where labels.isEmpty: throw .noLabels(file)
        default: return labels
        }
    }

    /// - Parameter labels: of the head, in the order of its logits.
    public func targets(_ labels: [String], for problem: ProblemType) throws(CorpusError) -> Targets {
        switch problem {
        case .singleLabel: .classes(try classes(labels))
        case .multiLabel: .labelSets(try labelSets(labels))
        case .regression: .values(Tensor([count, labels.count], try values(labels.count)))
        }
    }

    private func classes(_ labels: [String]) throws(CorpusError) -> [Int] {
        let indices = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
        var ofEntry: [Int] = []
        for entry in entries {
            if entry.label.isEmpty { throw .emptyLabel(file, line: entry.line) }
            guard let index = indices[entry.label] else {
                throw unknown(entry.label, entry.line, labels)
            }
            ofEntry.append(index)
        }
        try refuseNumbers(labels)
        return codes.map { ofEntry[Int($0)] }
    }

    private func unknown(_ label: String, _ line: Int, _ labels: [String]) -> CorpusError {
        if let names, labels == names { return .unnamedLabel(file, line: line, label: label, names: names) }
        return .unknownLabel(file, line: line, label: label, known: labels)
    }

    /// Numbers that are not whole are never among the labels: with one of them the training data's would be values.
    private func refuseNumbers(_ labels: [String]) throws(CorpusError) {
        guard let firstNumber else { return }
        throw unknown(firstNumber.label, firstNumber.line, labels)
    }

    private func labelSets(_ labels: [String]) throws(CorpusError) -> Tensor {
        let indices = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, $0) })
        var ofEntry: [[Int]] = []
        for entry in entries {
            var set: [Int] = []
            for label in labelSet(entry) {
                guard let index = indices[label] else {
                    throw unknown(label, entry.line, labels)
                }
                set.append(index)
            }
            ofEntry.append(set)
        }
        try refuseNumbers(labels)
        var values = [Float](repeating: 0, count: count * labels.count)
        for (row, code) in codes.enumerated() {
            for index in ofEntry[Int(code)] { values[row * labels.count + index] = 1 }
        }
        return Tensor([count, labels.count], values)
    }

    /// - Parameter size: how many numbers each example has. Several come as a JSON array alone: a comma may be a decimal
    ///   one.
    private func values(_ size: Int) throws(CorpusError) -> [Float] {
        var ofEntry: [[Float]] = []
        for entry in entries {
            let texts = entry.listed ?? [entry.label]
            if texts == [""] { throw .emptyLabel(file, line: entry.line) }
            guard texts.count == size else {
                throw .wrongValueCount(file, line: entry.line, found: texts.count, expected: size)
            }
            var numbers: [Float] = []
            for text in texts {
                guard let value = Self.number(text) else { throw .notANumber(file, line: entry.line, label: text) }
                numbers.append(value)
            }
            ofEntry.append(numbers)
        }
        if let firstNumber, size != 1 {
            throw .wrongValueCount(file, line: firstNumber.line, found: 1, expected: size)
        }
        var values: [Float] = []
        values.reserveCapacity(count * size)
        for (row, code) in codes.enumerated() {
            if code >= 0 { values += ofEntry[Int(code)] } else { values.append(numbers[row]) }
        }
        return values
    }

    /// The labels of one example; none where the field is empty.
    func labelSet(_ entry: Entry) -> [String] {
        if let listed = entry.listed { return listed }
        return entry.label.split(separator: separator).compactMap { part in
            let words = part.split(separator: " ")
            return words.isEmpty ? nil : words.joined(separator: " ")
        }
    }

    private static func sorted(_ names: Set<String>) -> [String] {
        // Only as it is usually written: "1" and "01" are two labels, in the order of their bytes.
        let numbers = names.compactMap { name in Int(name).flatMap { "\($0)" == name ? $0 : nil } }
        if numbers.count == names.count { return numbers.sorted().map { "\($0)" } }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
}
