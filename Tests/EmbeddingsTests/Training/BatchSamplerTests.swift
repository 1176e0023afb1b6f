import Embeddings
import Tensors
import Testing

@Suite("BatchSampler")
struct BatchSamplerTests {
    @Test(
        "shuffled, every example comes once, in another order each time",
        arguments: [(10, 3), (9, 3), (2, 32), (1, 1)])
    func shuffled(count: Int, size: Int) {
        let order = RandomSource(seed: 3)
        let batches = BatchSampler.shuffled.batches(count: count, size: size, order: order)
        #expect(batches.flatMap { $0 }.sorted() == Array(0..<count))
        #expect(batches.dropLast().allSatisfy { $0.count == size })
        #expect(batches == BatchSampler.shuffled.batches(count: count, size: size, order: RandomSource(seed: 3)))
        if count > 8 { #expect(batches != BatchSampler.shuffled.batches(count: count, size: size, order: order)) }
    }

    @Test("every example comes once at most, none with another that has one of its texts, and none alone")
    func withoutDuplicates() {
        // Examples i share a text with all of the same i mod 7.
        let keys = (0..<100).map { [UInt64($0 % 7), UInt64(1000 + $0)] }
        let batches = BatchSampler.withoutDuplicates.batches(
            count: 100, size: 5, keys: keys, order: RandomSource(seed: 3))
        let seen = batches.flatMap { $0 }
        #expect(Set(seen).count == seen.count && seen.count > 90)
        for batch in batches {
            #expect((2...5).contains(batch.count) && Set(batch.map { $0 % 7 }).count == batch.count)
        }
        #expect(batches.count <= 24)
    }

    @Test("an example may have one text twice")
    func twice() {
        let batches = BatchSampler.withoutDuplicates.batches(
            count: 3, size: 2, keys: [[1, 1], [2, 2], [1, 3]], order: RandomSource(seed: 3))
        #expect(batches.count == 1 && batches[0].count == 2 && Set(batches[0]) != [0, 2])
    }

    @Test("an example with negatives of its own may be alone")
    func alone() {
        let batches = BatchSampler.withoutDuplicates.batches(
            count: 2, size: 2, keys: [[1, 2, 3], [1, 4, 5]], order: RandomSource(seed: 3))
        #expect(batches.count == 2)
    }

    @Test("a text that is everywhere holds nothing up")
    func frequentText() {
        let count = 60_000
        let keys = (0..<count).map { [UInt64($0 % 3 == 0 ? 7 : count + $0), UInt64(2 * count + $0)] }
        let batches = BatchSampler.withoutDuplicates.batches(
            count: count, size: 32, keys: keys, order: RandomSource(seed: 3))
        let seen = batches.flatMap { $0 }
        #expect(Set(seen).count == seen.count && seen.count >= count * 2 / 3)
        #expect(batches.allSatisfy { batch in batch.count(where: { $0 % 3 == 0 }) <= 1 && batch.count > 1 })
    }

    @Test("a batch of labels has two of each label that it has, and two labels")
    func groupedByLabel() {
        let labels = (0..<203).map { $0 % 13 == 0 ? 99 : $0 % 5 }
        let batches = BatchSampler.groupedByLabel.batches(
            count: labels.count, size: 8, labels: labels, order: RandomSource(seed: 5))
        #expect(Set(batches.flatMap { $0 }).count == batches.reduce(0) { $0 + $1.count })
        for batch in batches {
            let counts = Dictionary(grouping: batch) { labels[$0] }.values.map(\.count)
            #expect(counts.count >= 2 && counts.allSatisfy { $0 % 2 == 0 })
        }
        #expect(batches.dropLast().allSatisfy { $0.count == 8 } && batches.count > 15)
    }

    @Test("the same state of the source makes the same batches")
    func reproducible() {
        func batches(_ sampler: BatchSampler) -> [[Int]] {
            sampler.batches(
                count: 50, size: 8, keys: (0..<50).map { [UInt64($0 / 2)] }, labels: (0..<50).map { $0 % 3 },
                order: RandomSource(seed: 8))
        }
        for sampler in [BatchSampler.shuffled, .withoutDuplicates, .groupedByLabel] {
            #expect(batches(sampler) == batches(sampler))
        }
    }
}
