import Glibc

/// The row of every distance in a table of relative embeddings. A distance is counted from the key to the query.
///
/// Sources: He et al. 2021, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention", §3.1, equation 3; the buckets,
/// whose widths grow with the distance, as in the released code of its second version.
public struct DistanceRows: Equatable, Sendable {
    /// Half of the table: the row of distance 0.
    public let span: Int
    /// Where buckets are used, the distance whose bucket is the last; `nil` gives every distance a row of its own. Distances
    /// beyond the table have its first or last row.
    public let maxDistance: Int?

    /// - Precondition: buckets reach farther than the distances that have rows of their own.
    public init(span: Int, maxDistance: Int? = nil) {
        precondition(span > 0, "a span of \(span)")
        precondition(
            maxDistance.map { span > 1 && $0 - 1 > span / 2 } ?? true, "\(span) buckets to \(maxDistance ?? 0)")
        self.span = span
        self.maxDistance = maxDistance
    }

    /// Of the table.
    public var count: Int { 2 * span }

    public func row(of distance: Int) -> Int { min(max(bucket(of: distance) + span, 0), count - 1) }

    /// The rows of all distances shorter than `reach`.
    public func rows(reach: Int) -> ClosedRange<Int> { row(of: 1 - max(1, reach))...row(of: max(1, reach) - 1) }

    /// Half of the buckets hold one distance each.
    private func bucket(of distance: Int) -> Int {
        let (size, half) = (abs(distance), span / 2)
        guard let maxDistance, size > half else { return distance }
        // In f32 as the models were trained, so that the borders are theirs.
        let place =
            logf(Float(size) / Float(half)) / logf(Float(Double(maxDistance - 1) / Double(half))) * Float(half - 1)
        return distance.signum() * (half + Int(place.rounded(.up)))
    }
}
