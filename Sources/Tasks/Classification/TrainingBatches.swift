import Tensors
import Transformer

/// The order in which examples are learned from.
enum TrainingBatches {
    /// The batches of an epoch: of a random order, stretches of fifty batches are sorted by length, so that the texts
    /// of a batch are alike; then the batches are shuffled.
    static func epoch(lengths: [Int], batchSize: Int, order: RandomSource) -> [[Int]] {
        let size = min(batchSize, lengths.count)
        let shuffled = order.permutation(of: lengths.count)
        var batches: [[Int]] = []
        for start in stride(from: 0, to: shuffled.count, by: 50 * size) {
            let stretch = shuffled[start..<min(shuffled.count, start + 50 * size)]
            let sorted = stretch.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
            for first in stride(from: 0, to: sorted.count, by: size) {
                batches.append(Array(sorted[first..<min(sorted.count, first + size)]))
            }
        }
        return order.permutation(of: batches.count).map { batches[$0] }
    }

    /// A batch in parts of a bounded number of tokens, whose gradients add up: memory does not grow with the texts.
    static func parts(of batch: [Int], _ texts: TokenizedTexts) -> [ArraySlice<Int>] {
        var parts: [ArraySlice<Int>] = []
        var (start, tokens) = (0, 0)
        for (place, index) in batch.enumerated() {
            if place > start, tokens + texts.length(index) > tokensPerPart {
                parts.append(batch[start..<place])
                (start, tokens) = (place, 0)
            }
            tokens += texts.length(index)
        }
        parts.append(batch[start...])
        return parts
    }

    /// Enough rows for the products to run at full speed.
    static let tokensPerPart = 1024
}
