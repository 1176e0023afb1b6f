public import Tensors

/// Groups of vectors around a centre that all of them are near to.
///
/// Source: sentence-transformers' `util.community_detection`, whose groups these are; of equal scores the lower number
/// comes first.
public enum CommunityDetection {
    /// The communities, the largest first; in each the centre, then the others by their nearness to it.
    ///
    /// - Parameters:
    ///   - vectors: of length 1, `[vectors, size]`.
    ///   - threshold: of the cosine to the centre.
    ///   - progress: is told how many vectors were compared with all.
    public static func communities(
        in vectors: StoredTensor, threshold: Float, minSize: Int, progress: (Int) -> Void = { _ in }
    ) -> [[Int32]] {
        var candidates: [(centre: Int32, rows: [Int32])] = []
        for first in stride(from: 0, to: vectors.rows, by: 1024) {
            let block = vectors.rows(first..<min(vectors.rows, first + 1024)).tensor
            for (place, near) in vectors.rows(near: block, atLeast: threshold, by: .dot).enumerated()
            where near.count >= minSize {
                candidates.append((Int32(first + place), near.map(\.row)))
            }
            progress(first + block.rows)
        }
        // Stable: of equally large ones the lower centre first.
        let order = candidates.indices.sorted { (candidates[$1].rows.count, $0) < (candidates[$0].rows.count, $1) }
        var isTaken = [Bool](repeating: false, count: vectors.rows)
        var communities: [[Int32]] = []
        for (centre, rows) in order.map({ candidates[$0] }) where !isTaken[Int(centre)] {
            let free = rows.filter { !isTaken[Int($0)] }
            guard free.count >= minSize else { continue }
            let community = [centre] + free.filter { $0 != centre }
            for row in community { isTaken[Int(row)] = true }
            communities.append(community)
        }
        let bySize = communities.indices.sorted { (communities[$1].count, $0) < (communities[$0].count, $1) }
        return bySize.map { communities[$0] }
    }
}
