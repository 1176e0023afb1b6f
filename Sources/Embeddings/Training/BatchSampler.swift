public import Tensors

/// Which examples make a batch, where what a loss says depends on the others in it.
public enum BatchSampler: Equatable, Sendable {
    /// In random order.
    case shuffled
    /// No text comes twice in a batch: where others' texts are negatives, it would be its own.
    case withoutDuplicates
    /// Every label in a batch has two examples at least, and there are two labels.
    case groupedByLabel

    /// The batches of an epoch, of indices of examples.
    ///
    /// - Parameters:
    ///   - keys: of each example's texts, equal where texts are equal; for `withoutDuplicates`.
    ///   - labels: of each example; for `groupedByLabel`.
    /// - Precondition: a batch has two examples at least, grouped by label four and an even number.
    public func batches(
        count: Int, size: Int, keys: [[UInt64]] = [], labels: [Int] = [], order: RandomSource
    ) -> [[Int]] {
        let size = min(size, count + 3)
        switch self {
        case .shuffled:
            let examples = order.permutation(of: count)
            return stride(from: 0, to: count, by: size).map { Array(examples[$0..<min(count, $0 + size)]) }
        case .withoutDuplicates: return withoutDuplicates(size, keys, order.permutation(of: count))
        case .groupedByLabel: return groupedByLabel(size, labels, order)
        }
    }

    /// An example that does not go with a batch waits for a later one. Of those that wait, a batch looks at as many as eight
    /// batches have: where one text is everywhere, the work stays in proportion to the examples.
    ///
    /// A pair that would be alone in its batch has nothing to be told from, and is left out.
    private func withoutDuplicates(_ size: Int, _ keys: [[UInt64]], _ examples: [Int]) -> [[Int]] {
        var batches: [[Int]] = []
        // Those that wait, the first of them in front; then those that were not looked at.
        var (front, waiting, first, next) = ([Int](), [Int](), 0, 0)
        while next < examples.count || !front.isEmpty {
            var batch: [Int] = []
            var seen: Set<UInt64> = []
            func takes(_ example: Int) -> Bool {
                guard batch.count < size, keys[example].allSatisfy({ !seen.contains($0) }) else { return false }
                batch.append(example)
                seen.formUnion(keys[example])
                return true
            }
            front.removeAll(where: takes)
            var looked = 0
            while batch.count < size, next < examples.count, looked < 8 * size {
                if !takes(examples[next]) { waiting.append(examples[next]) }
                (next, looked) = (next + 1, looked + 1)
            }
            let refill = min(waiting.count - first, max(0, 8 * size - front.count))
            front += waiting[first..<first + refill]
            first += refill
            if batch.count > 1 || batch.contains(where: { keys[$0].count > 2 }) { batches.append(batch) }
        }
        return batches
    }

    /// Round after round every label gives two examples, until one label alone has some left.
    private func groupedByLabel(_ size: Int, _ labels: [Int], _ order: RandomSource) -> [[Int]] {
        var generator = order
        var groups: [Int: [Int]] = [:]
        for (example, label) in labels.enumerated() { groups[label, default: []].append(example) }
        var queues = groups.keys.sorted().map { (groups[$0] ?? []).shuffled(using: &generator) }
        var left = queues.indices.filter { queues[$0].count >= 2 }
        var last: Int?
        var (batches, batch) = ([[Int]](), [Int]())
        while left.count >= 2 {
            left.shuffle(using: &generator)
            // Four examples of one label are not to stand side by side.
            if left[0] == last { left.swapAt(0, 1) }
            for label in left {
                batch += [queues[label].removeLast(), queues[label].removeLast()]
                if batch.count >= size {
                    batches.append(Array(batch.prefix(size)))
                    batch.removeFirst(size)
                }
            }
            last = left.last
            left = left.filter { queues[$0].count >= 2 }
        }
        return batch.count >= 4 ? batches + [batch] : batches
    }
}
