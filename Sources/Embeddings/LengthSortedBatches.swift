package import Tensors

/// Texts grouped for computing: sorted by length, cut by a budget of tokens, and shared among the threads.
public struct LengthSortedBatches: Sendable {
    /// Indices of the texts of each batch, the longest texts first, so that no long batch comes last.
    public let batches: [[Int]]
    private let count: Int

    /// Enough rows for the matrix products to run at full speed; few enough for the activations to stay in the cache.
    public static let defaultBudget = 256

    public init(_ lengths: [Int], budget: Int = defaultBudget) {
        count = lengths.count
        var batches: [[Int]] = []
        var tokens = 0
        for index in lengths.indices.sorted(by: { (lengths[$1], $0) < (lengths[$0], $1) }) {
            if batches.isEmpty || tokens + lengths[index] > budget {
                batches.append([])
                tokens = 0
            }
            batches[batches.count - 1].append(index)
            tokens += lengths[index]
        }
        self.batches = batches
    }

    /// Computes one row for every text, batch by batch on all threads.
    ///
    /// - Parameter body: for a batch, `[batch.count, columns]`.
    /// - Returns: the rows in the order of the texts.
    package func map(_ body: (_ batch: [Int]) -> Tensor) -> [ArraySlice<Float>] {
        mapEach { batch in
            let rows = body(batch)
            return batch.indices.map { rows.row($0) }
        }
    }

    /// Computes one result for every text, batch by batch on all threads.
    ///
    /// - Parameter body: for a batch, a result for each of its texts.
    /// - Returns: the results in the order of the texts.
    package func mapEach<Result>(_ body: (_ batch: [Int]) -> [Result]) -> [Result] {
        // The few batches that are left when every thread has had as many are computed by all threads together.
        let threads = ThreadPool.shared.threads
        let rest = batches.count % threads
        let together = 2 * rest <= threads ? rest : 0
        let results = parallelMap(batches.count - together) { body(batches[$0]) } + batches.suffix(together).map(body)
        var all = [Result?](repeating: nil, count: count)
        for (batch, results) in zip(batches, results) {
            for (index, result) in zip(batch, results) { all[index] = result }
        }
        return all.map { $0! }
    }
}
