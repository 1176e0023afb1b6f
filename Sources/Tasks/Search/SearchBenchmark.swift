public import Embeddings
public import JSON
public import Tensors

/// How long an index takes for queries, beside what the memory allows.
public struct SearchBenchmark {
    /// Gigabytes a second of a plain sum over the vectors.
    public let memorySpeed: Double
    /// The median time of a query alone, in milliseconds.
    public let single: Double
    /// Queries a second, all of them given at once.
    public let batch: Double
    private let queries: Int
    private let index: VectorIndex

    /// - Parameter rounds: of every measurement, whose median counts.
    public init(_ index: VectorIndex, _ queries: Tensor, _ settings: SearchSettings, rounds: Int = 7) {
        self.index = index
        self.queries = queries.rows
        let bytes = Double(4 * index.vectors.count)
        let alone = (0..<min(32, queries.rows)).map { queries.rows($0..<$0 + 1) }
        var (sums, singles, batches): ([Double], [Double], [Double]) = ([], [], [])
        // In turn, so that what else the machine does falls on all of them.
        for round in 0..<rounds {
            sums.append(Self.seconds { _ = index.vectors.streamedSum() })
            for query in alone { singles.append(Self.seconds { _ = index.search(query, settings) }) }
            if round % 3 == 0 { batches.append(Self.seconds { _ = index.search(queries, settings) }) }
        }
        memorySpeed = bytes / Self.median(sums) / 1e9
        single = Self.median(singles) * 1000
        batch = Double(queries.rows) / Self.median(batches)
    }

    private static func seconds(_ body: () -> Void) -> Double {
        let start = monotonicSeconds()
        body()
        return monotonicSeconds() - start
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    public var record: JSON {
        let read = Double(4 * index.vectors.count) / (single / 1000) / 1e9
        return .object([
            "vectors": .integer(index.count), "size": .integer(index.description.size),
            "threads": .integer(ThreadPool.shared.threads), "memoryGigabytesPerSecond": .number(memorySpeed),
            "millisecondsPerQuery": .number(single), "shareOfMemorySpeed": .number(read / memorySpeed),
            "queries": .integer(queries), "queriesPerSecond": .number(batch),
        ])
    }
}
