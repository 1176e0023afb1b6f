public import Tensors

/// Groups of vectors around a centre that all of them are near to.
///
/// Source: sentence-transformers' `util.community_detection`, whose groups these are; of equal scores the lower number
/// comes first.
public enum CommunityDetection {
    /// Vectors that are compared with all at a time.
    private static let perBlock = 128

    /// The communities, the largest first; in each the centre, then the others by their nearness to it.
    ///
    /// - Parameters:
    ///   - vectors: of length 1, `[vectors, size]`.
    ///   - threshold: of the cosine to the centre.
    ///   - progress: is told how many vectors were compared with all.
    public static func communities(
        in vectors: StoredTensor, threshold: Float, minSize: Int, progress: (Int) -> Void = { _ in }
    ) -> [[Int32]] {
        // Counts alone: all the rows that are near to one another may be as many as the square of the vectors.
        var candidates: [(centre: Int, count: Int)] = []
        for first in stride(from: 0, to: vectors.rows, by: perBlock) {
            let block = vectors.rows(first..<min(vectors.rows, first + perBlock)).tensor
            for (place, count) in vectors.rowCounts(near: block, atLeast: threshold, by: .dot).enumerated()
            where count >= minSize {
                candidates.append((first + place, count))
            }
            progress(first + block.rows)
        }
        // Of equally large ones the lower centre first.
        var left = candidates.sorted { ($1.count, $0.centre) < ($0.count, $1.centre) }.map(\.centre)[...]
        var isTaken = [Bool](repeating: false, count: vectors.rows)
        var communities: [[Int32]] = []
        while !left.isEmpty {
            var centres: [Int] = []
            while centres.count < perBlock, let centre = left.popFirst() {
                if !isTaken[centre] { centres.append(centre) }
            }
            let block = Tensor(
                [centres.count, vectors.columns], centres.flatMap { vectors.rows($0..<$0 + 1).tensor.values })
            for (centre, near) in zip(centres, vectors.rows(near: block, atLeast: threshold, by: .dot))
            where !isTaken[centre] {
                let free = near.map(\.row).filter { !isTaken[Int($0)] }
                guard free.count >= minSize else { continue }
                let community = [Int32(centre)] + free.filter { $0 != Int32(centre) }
                for row in community { isTaken[Int(row)] = true }
                communities.append(community)
            }
        }
        let bySize = communities.indices.sorted { (communities[$1].count, $0) < (communities[$0].count, $1) }
        return bySize.map { communities[$0] }
    }
}
