import Tensors
import Transformer

/// The order in which examples are learned from.
enum TrainingBatches {
    /// The examples of each step of an epoch, in a random order. Batches are packed without padding, so texts of unlike
    /// lengths cost no more together; sorting them would put like labels together where labels go with lengths.
    static func epoch(
        examples: Int, perStep size: Int, order: RandomSource
    ) -> AnyRandomAccessCollection<[Int]> {
        let shuffled = order.permutation(of: examples)
        let steps = 0..<(examples + size - 1) / size
        return AnyRandomAccessCollection(
            steps.lazy.map { Array(shuffled[$0 * size..<min(examples, ($0 + 1) * size)]) })
    }

    /// A batch in parts of a bounded number of tokens, whose gradients add up: memory does not grow with the texts.
    static func parts(of batch: [Int], _ texts: TokenizedTexts) -> [ArraySlice<Int>] {
        TrainingParts.of(lengths: batch.map(texts.length)).map { batch[$0] }
    }
}
