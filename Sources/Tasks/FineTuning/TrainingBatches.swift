import Tensors
import Transformer

/// The order in which examples are learned from.
enum TrainingBatches {
    /// The batches of an epoch: of a random order, stretches of fifty batches are sorted by length, so that the texts
    /// of a batch are alike; then the batches are shuffled.
    ///
    /// - Parameter accumulating: the number of batches that are put together for a step.
    static func epoch(lengths: [Int], batchSize: Int, accumulating count: Int = 1, order: RandomSource) -> [[Int]] {
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
        let order = order.permutation(of: batches.count)
        return stride(from: 0, to: order.count, by: count).map { first in
            order[first..<min(order.count, first + count)].flatMap { batches[$0] }
        }
    }

    /// A batch in parts of a bounded number of tokens, whose gradients add up: memory does not grow with the texts.
    static func parts(of batch: [Int], _ texts: TokenizedTexts) -> [ArraySlice<Int>] {
        TrainingParts.of(lengths: batch.map(texts.length)).map { batch[$0] }
    }
}
