/// A row and how well it fits.
public struct ScoredRow: Equatable, Sendable {
    public let row: Int
    public let score: Float
}

/// The rows with the largest scores, best first; of equal scores the first row is the better one.
struct BestRows {
    let limit: Int
    private(set) var rows: [ScoredRow] = []

    /// - Parameter floor: a score that as many rows before are known to reach.
    init(limit: Int, floor: Float = -.infinity) {
        self.limit = limit
        threshold = floor
        rows.reserveCapacity(limit + 1)
    }

    /// What a score must exceed to get in.
    private(set) var threshold: Float

    @inline(__always)
    mutating func add(_ row: Int, _ score: Float) {
        if score > threshold { insert(row, score) }
    }

    private mutating func insert(_ row: Int, _ score: Float) {
        let place = rows.firstIndex { $0.score < score } ?? rows.count
        rows.insert(ScoredRow(row: row, score: score), at: place)
        if rows.count > limit { rows.removeLast() }
        if rows.count == limit { threshold = max(threshold, rows.last?.score ?? .infinity) }
    }
}
