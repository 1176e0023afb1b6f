public import Embeddings
public import Tensors

extension SentenceExamples {
    /// Pairs with hard negatives behind them, which are other pairs' second texts. Pairs for which too few are found are left
    /// out.
    ///
    /// - Parameter embed: the vectors of tokenized texts.
    /// - Precondition: these are pairs without labels.
    public func withNegatives(
        _ mining: HardNegativeMining, seed: UInt64, _ embed: ([[Int32]]) -> Tensor
    ) -> SentenceExamples? {
        precondition(columns == 2 && targets == .none, "negatives for \(columns) columns")
        let (queries, documents) = (unique(0), unique(1))
        var relevant = [Set<Int>](repeating: [], count: queries.examples.count)
        for (query, document) in zip(queries.place, documents.place) { relevant[query].insert(document) }
        // A text that is another pair's second one is not its own negative.
        let rowOf = Dictionary(uniqueKeysWithValues: documents.examples.enumerated().map { (keys[2 * $1 + 1], $0) })
        for (query, example) in queries.examples.enumerated() {
            if let same = rowOf[keys[2 * example]] { relevant[query].insert(same) }
        }
        let found = mining.negatives(
            queries: embed(queries.examples.map { ids($0, 0) }),
            documents: embed(documents.examples.map { ids($0, 1) }),
            relevant: relevant, random: RandomSource(seed: seed))
        var rows: [Int] = []
        for example in 0..<count {
            let negatives = found[queries.place[example]]
            guard negatives.count == mining.count else { continue }
            rows += [2 * example, 2 * example + 1] + negatives.map { 2 * documents.examples[$0] + 1 }
        }
        return rows.isEmpty ? nil : selecting(rows, columns: 2 + mining.count)
    }

    /// Texts that come several times once: of each the first example with it, and the place there of every example's.
    func unique(_ column: Int) -> (examples: [Int], place: [Int]) {
        var examples: [Int] = []
        var places: [UInt64: Int] = [:]
        let place = (0..<count).map { example in
            let key = keys[example * columns + column]
            if let known = places[key] { return known }
            places[key] = examples.count
            examples.append(example)
            return examples.count - 1
        }
        return (examples, place)
    }
}
