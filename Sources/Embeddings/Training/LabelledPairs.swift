public import Tensors

/// Pairs of labelled examples, alike or not: computed one by one from their number, so that memory does not grow with
/// their number, which grows with the square of the examples'.
///
/// An example makes a pair with itself, too, as in SetFit.
///
/// Source: Tunstall et al. 2022, "Efficient Few-Shot Learning Without Prompts", §3.
public struct LabelledPairs: Sendable {
    /// How many pairs of each kind there are.
    public enum Strategy: String, Sendable, CaseIterable {
        /// As many as of the kind that there are more of; the others come several times.
        case oversampling
        /// As many as of the kind that there are fewer of.
        case undersampling
        /// Each once.
        case unique
    }

    public struct Pair: Equatable, Sendable {
        public let first: Int
        public let second: Int
        /// Whether both have one label.
        public let isAlike: Bool
    }

    public let count: Int
    /// The examples, those of a label side by side.
    private let examples: [Int]
    /// Of each label the place of its first example and of the one behind its last.
    private let groups: [Range<Int>]
    /// How many pairs begin with labels up to each.
    private let alikeSums: [Int]
    private let otherSums: [Int]
    private let alikeCount: Int
    private let order: IndexPermutation
    private let alikeOrder: IndexPermutation
    private let otherOrder: IndexPermutation

    /// - Parameters:
    ///   - labels: of all examples.
    ///   - order: which pairs come when.
    /// - Precondition: there are two labels at least.
    public init(labels: [Int], _ strategy: Strategy = .oversampling, order: RandomSource) {
        examples = labels.indices.sorted { (labels[$0], $0) < (labels[$1], $1) }
        var groups: [Range<Int>] = []
        var start = 0
        for place in examples.indices
        where place + 1 == examples.count || labels[examples[place + 1]] != labels[examples[place]] {
            groups.append(start..<place + 1)
            start = place + 1
        }
        precondition(groups.count > 1, "pairs of one label")
        func sums(_ counts: [Int]) -> [Int] {
            var sum = 0
            return counts.map { count in
                sum += count
                return sum
            }
        }
        alikeSums = sums(groups.map { $0.count * ($0.count + 1) / 2 })
        otherSums = sums(groups.map { $0.count * (labels.count - $0.upperBound) })
        let (alike, other) = (alikeSums[groups.count - 1], otherSums[groups.count - 1])
        switch strategy {
        case .oversampling: (alikeCount, count) = (max(alike, other), 2 * max(alike, other))
        case .undersampling: (alikeCount, count) = (min(alike, other), 2 * min(alike, other))
        case .unique: (alikeCount, count) = (alike, alike + other)
        }
        self.groups = groups
        self.order = IndexPermutation(count: count, key: order.next())
        alikeOrder = IndexPermutation(count: alike, key: order.next())
        otherOrder = IndexPermutation(count: other, key: order.next())
    }

    public subscript(index: Int) -> Pair {
        let place = order[index]
        if place < alikeCount {
            let (group, rest) = Self.locate(alikeOrder[place % alikeOrder.count], in: alikeSums)
            // The triangle's row, then the place in it.
            var row = Int((Double(8 * rest + 1).squareRoot() - 1) / 2)
            while row * (row + 1) / 2 > rest { row -= 1 }
            while (row + 1) * (row + 2) / 2 <= rest { row += 1 }
            let start = groups[group].lowerBound
            return Pair(
                first: examples[start + rest - row * (row + 1) / 2], second: examples[start + row], isAlike: true)
        }
        let (group, rest) = Self.locate(otherOrder[(place - alikeCount) % otherOrder.count], in: otherSums)
        let behind = groups[group].upperBound
        let width = examples.count - behind
        return Pair(
            first: examples[groups[group].lowerBound + rest / width], second: examples[behind + rest % width],
            isAlike: false)
    }

    /// The first sum above a number, and what the number exceeds the sum before by.
    private static func locate(_ number: Int, in sums: [Int]) -> (group: Int, rest: Int) {
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] > number { high = middle } else { low = middle + 1 }
        }
        return (low, number - (low == 0 ? 0 : sums[low - 1]))
    }
}

/// The numbers below a count in another order, each computed from its place.
///
/// Source: Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains", §3 and §4: a Feistel network, walked along until
/// it stays below the count.
struct IndexPermutation: Sendable {
    let count: Int
    private let halfBits: UInt64
    private let keys: [UInt64]

    init(count: Int, key: UInt64) {
        self.count = count
        let bits = UInt64(Int.bitWidth - max(1, count - 1).leadingZeroBitCount)
        halfBits = max(1, (bits + 1) / 2)
        let source = RandomSource(seed: key)
        keys = (0..<4).map { _ in source.next() }
    }

    /// - Precondition: the place is below the count.
    subscript(place: Int) -> Int {
        var value = UInt64(place)
        repeat { value = encrypted(value) } while value >= UInt64(count)
        return Int(value)
    }

    private func encrypted(_ value: UInt64) -> UInt64 {
        let mask = (UInt64(1) << halfBits) - 1
        var (left, right) = (value >> halfBits, value & mask)
        for key in keys {
            (left, right) = (right, left ^ (RandomSource(seed: right ^ key).next() & mask))
        }
        return left << halfBits | right
    }
}
