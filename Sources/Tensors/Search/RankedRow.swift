/// A row and its score.
public struct RankedRow: Equatable, Sendable, BitwiseCopyable {
    public let row: Int32
    public let score: Float

    public init(row: Int32, score: Float) {
        self.row = row
        self.score = score
    }

    /// Whether this row comes first: by the higher score, and of equal scores by the lower number.
    @inline(__always)
    public static func < (a: RankedRow, b: RankedRow) -> Bool {
        a.score > b.score || a.score == b.score && a.row < b.row
    }
}

/// What a scan keeps of the scores of one query.
protocol RowCollector {
    /// - Parameter scores: of the rows from `first` on.
    @unsafe mutating func add(first: Int, _ scores: UnsafeBufferPointer<Float>)
    /// Takes what another part of the scan has kept.
    mutating func merge(_ other: Self)
    /// An empty one, for rows behind all those of this one: it need not keep what would not be taken here.
    var next: Self { get }
}

/// The best rows of those that were added: a heap whose root is the worst of them.
package struct BestRows: RowCollector, Sendable {
    package let limit: Int
    private let threshold: Float
    private var heap: [RankedRow] = []

    /// - Parameter threshold: rows with a lower score are not kept.
    package init(_ limit: Int, atLeast threshold: Float = -.infinity) {
        self.limit = limit
        self.threshold = threshold
        heap.reserveCapacity(min(limit, 4096))
    }

    /// Of equal scores the row before comes first.
    var next: BestRows {
        let worst = isFull ? worst?.score.nextUp : nil
        return BestRows(limit, atLeast: max(threshold, worst ?? threshold))
    }

    package var count: Int { heap.count }
    package var isFull: Bool { heap.count == limit }
    /// The worst that is kept.
    package var worst: RankedRow? { heap.first }
    /// No row with a lower score is taken.
    private var least: Float { isFull ? max(threshold, worst?.score ?? threshold) : threshold }

    /// What was kept, the best first.
    package var sorted: [RankedRow] { heap.sorted(by: <) }

    @unsafe @inline(__always)
    mutating func add(first: Int, _ scores: UnsafeBufferPointer<Float>) {
        // Most rows fall to one comparison.
        var least = least
        for i in scores.indices {
            let score = unsafe scores[i]
            if score < least { continue }
            add(RankedRow(row: Int32(first + i), score: score))
            least = self.least
        }
    }

    package mutating func merge(_ other: BestRows) {
        for row in other.heap { add(row) }
    }

    package mutating func add(_ new: RankedRow) {
        if new.score < threshold { return }
        if heap.count < limit {
            heap.append(new)
            var child = heap.count - 1
            while child > 0, heap[(child - 1) / 2] < heap[child] {
                heap.swapAt(child, (child - 1) / 2)
                child = (child - 1) / 2
            }
        } else if let worst = heap.first, new < worst {
            heap[0] = new
            sink()
        }
    }

    private mutating func sink() {
        var parent = 0
        while case var child = 2 * parent + 1, child < heap.count {
            if child + 1 < heap.count, heap[child] < heap[child + 1] { child += 1 }
            if heap[child] < heap[parent] { return }
            heap.swapAt(parent, child)
            parent = child
        }
    }
}

/// All rows with a score of at least `threshold`.
struct RowsAtLeast: RowCollector {
    let threshold: Float
    private var rows: [RankedRow] = []

    init(_ threshold: Float) { self.threshold = threshold }

    /// What was kept, the best first.
    var sorted: [RankedRow] { rows.sorted(by: <) }

    @unsafe @inline(__always)
    mutating func add(first: Int, _ scores: UnsafeBufferPointer<Float>) {
        for i in scores.indices where unsafe scores[i] >= threshold {
            unsafe rows.append(RankedRow(row: Int32(first + i), score: scores[i]))
        }
    }

    mutating func merge(_ other: RowsAtLeast) { rows += other.rows }

    var next: RowsAtLeast { RowsAtLeast(threshold) }
}

/// How many rows have a score of at least `threshold`.
struct CountAtLeast: RowCollector {
    let threshold: Float
    private(set) var count = 0

    init(_ threshold: Float) { self.threshold = threshold }

    @unsafe @inline(__always)
    mutating func add(first: Int, _ scores: UnsafeBufferPointer<Float>) {
        for i in scores.indices { unsafe count += scores[i] >= threshold ? 1 : 0 }
    }

    mutating func merge(_ other: CountAtLeast) { count += other.count }

    var next: CountAtLeast { CountAtLeast(threshold) }
}
