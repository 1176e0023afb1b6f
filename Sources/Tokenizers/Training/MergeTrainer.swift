/// Finds merges in a corpus: the most frequent pair of neighbouring symbols becomes a symbol, again and again.
///
/// Ties go to the pair whose symbols were found first, so that the same corpus gives the same merges everywhere.
///
/// Source: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", §3.2.
struct MergeTrainer {
    struct Merge {
        let left: Int
        let right: Int
        let merged: Int
    }

    /// A pair waiting to be merged, as frequent as it was when it was put there.
    private struct Candidate {
        let count: Int
        let left: Int
        let right: Int

        func precedes(_ other: Candidate) -> Bool {
            if count != other.count { return count > other.count }
            if left != other.left { return left < other.left }
            return right < other.right
        }
    }

    private struct Pair: Hashable {
        let left: Int
        let right: Int
    }

    /// Each word's symbols.
    private var words: [[Int]]
    private let counts: [Int]
    private var pairCounts: [Pair: Int] = [:]
    /// The words in which a pair stands, or once stood.
    private var places: [Pair: [Int]] = [:]
    private var heap: [Candidate] = []

    /// - Parameters:
    ///   - words: different words as symbols.
    ///   - counts: how often each stands in the corpus.
    init(words: [[Int]], counts: [Int]) {
        self.words = words
        self.counts = counts
        for (place, word) in words.enumerated() {
            for (left, right) in zip(word, word.dropFirst()) {
                let pair = Pair(left: left, right: right)
                pairCounts[pair, default: 0] += counts[place]
                if places[pair]?.last != place { places[pair, default: []].append(place) }
            }
        }
        for (pair, count) in pairCounts { push(Candidate(count: count, left: pair.left, right: pair.right)) }
    }

    /// Merges until there are `limit` symbols or no pair stands `minimum` times.
    ///
    /// - Parameter symbol: the symbol of a merged pair, and whether it is a new one.
    mutating func run(
        limit: Int, symbols: Int, minimum: Int = 2, _ symbol: (Int, Int) -> (id: Int, isNew: Bool)
    ) -> [Merge] {
        var merges: [Merge] = []
        var count = symbols
        while count < limit, let top = pop() {
            let pair = Pair(left: top.left, right: top.right)
            let current = pairCounts[pair] ?? 0
            if current != top.count {
                if current >= minimum { push(Candidate(count: current, left: pair.left, right: pair.right)) }
                continue
            }
            if current < minimum { break }
            let (merged, isNew) = symbol(pair.left, pair.right)
            if isNew { count += 1 }
            merges.append(Merge(left: pair.left, right: pair.right, merged: merged))
            apply(pair, merged)
        }
        return merges
    }

    private mutating func apply(_ pair: Pair, _ merged: Int) {
        let affected = places.removeValue(forKey: pair) ?? []
        pairCounts[pair] = nil
        var changed: Set<Pair> = []
        for place in affected {
            let word = words[place]
            var result: [Int] = []
            result.reserveCapacity(word.count)
            var i = 0
            while i < word.count {
                if i + 1 < word.count, word[i] == pair.left, word[i + 1] == pair.right {
                    result.append(merged)
                    i += 2
                } else {
                    result.append(word[i])
                    i += 1
                }
            }
            if result.count == word.count { continue }
            for (left, right) in zip(word, word.dropFirst()) {
                let old = Pair(left: left, right: right)
                if old != pair { pairCounts[old, default: 0] -= counts[place] }
            }
            for (left, right) in zip(result, result.dropFirst()) {
                let new = Pair(left: left, right: right)
                pairCounts[new, default: 0] += counts[place]
                if left == merged || right == merged {
                    changed.insert(new)
                    if places[new]?.last != place { places[new, default: []].append(place) }
                }
            }
            words[place] = result
        }
        for new in changed {
            if let count = pairCounts[new], count > 0 {
                push(Candidate(count: count, left: new.left, right: new.right))
            }
        }
    }

    // MARK: Heap

    private mutating func push(_ candidate: Candidate) {
        heap.append(candidate)
        var i = heap.count - 1
        while i > 0, heap[i].precedes(heap[(i - 1) / 2]) {
            heap.swapAt(i, (i - 1) / 2)
            i = (i - 1) / 2
        }
    }

    private mutating func pop() -> Candidate? {
        guard let top = heap.first else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var i = 0
        while true {
            var first = i
            for child in [2 * i + 1, 2 * i + 2] where child < heap.count && heap[child].precedes(heap[first]) {
                first = child
            }
            if first == i { return top }
            heap.swapAt(i, first)
            i = first
        }
    }
}
