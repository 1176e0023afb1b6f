package import Tensors

/// Leaves words of a text out, each by itself, and at least one of them in.
///
/// Source: Wang, Reimers and Gurevych 2021, "TSDAE", §3, deletion as the only noise.
package struct WordDeletion: Equatable, Sendable {
    /// How many words are left out.
    package let ratio: Double

    package init(ratio: Double) { self.ratio = ratio }

    /// - Parameters:
    ///   - ids: of the text.
    ///   - words: the number of each id's word, from 0; below 0 for what stays.
    package func applied(to ids: [Int32], words: [Int32], _ random: RandomSource) -> [Int32] {
        precondition(ids.count == words.count, "\(words.count) words' numbers for \(ids.count) ids")
        let count = Int(words.max() ?? -1) + 1
        guard count > 0 else { return ids }
        var keeps = (0..<count).map { _ in Double(random.uniform()) >= ratio }
        if !keeps.contains(true) { keeps[Int(random.next() % UInt64(count))] = true }
        return ids.indices.filter { words[$0] < 0 || keeps[Int(words[$0])] }.map { ids[$0] }
    }
}
