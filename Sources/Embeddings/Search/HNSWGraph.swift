import Checkpoints
import Glibc
import Tensors

/// A graph through which the nearest vectors are found without looking at all of them.
///
/// Vectors are nodes on layers that become sparser upwards; on each layer a node is linked to near ones in different
/// directions. A search goes down from the top, on each layer to the node that is nearest.
///
/// Nodes are added in batches: those of a batch look for neighbours at the same time, on all threads, in the graph as it
/// was before and among one another, and then the links are made node by node. So the graph is the same whatever the number
/// of threads.
///
/// Sources: Malkov and Yashunin 2018, "Efficient and Robust Approximate Nearest Neighbor Search Using Hierarchical Navigable
/// Small World Graphs", algorithms 1 to 5; batches after Manohar et al. 2024, "ParlayANN", §3.
struct HNSWGraph: Sendable {
    private(set) var links: HNSWLinks

    init(_ settings: HNSWSettings) { links = HNSWLinks(settings) }

    init(_ file: MappedFile, count: Int, settings: HNSWSettings) throws(SearchError) {
        links = try HNSWLinks(file, count: count, settings: settings)
    }

    var settings: HNSWSettings { links.settings }

    /// The `count` nearest vectors that are found among `ef` candidates, the best first.
    func nearest(
        to query: ArraySlice<Float>, in vectors: StoredTensor, count: Int, ef: Int, by score: RowScore
    ) -> [RankedRow] {
        if links.count == 0 { return [] }
        var search = LayerSearch(nodes: links.count)
        let start = search.descend(links, vectors, query, to: 0, score)
        return Array(
            search.run(links, vectors, query, from: [start], layer: 0, ef: max(ef, count), score).prefix(count))
    }

    /// Adds the vectors that are not in the graph yet.
    ///
    /// - Parameters:
    ///   - shouldStop: asked before every batch.
    ///   - progress: is told how many vectors the graph has.
    mutating func extend(
        over vectors: StoredTensor, by score: RowScore, shouldStop: () -> Bool, progress: (Int) -> Void
    ) {
        while links.count < vectors.rows, !shouldStop() {
            let first = links.count
            let batch = first..<min(vectors.rows, first + max(1, min(Self.largestBatch, first / 24)))
            insert(batch, vectors, score)
            progress(links.count)
        }
    }

    /// A batch's nodes see few others than those before it while it is small beside them.
    private static let largestBatch = 4096

    private typealias Neighbours = (layer: Int, rows: [RankedRow])

    private mutating func insert(_ batch: Range<Int>, _ vectors: StoredTensor, _ score: RowScore) {
        let levels = batch.map { Self.level(of: $0, m: settings.m) }
        let queries = vectors.rows(batch).tensor
        let peers =
            batch.count == 1
            ? [[]] : vectors.rows(batch).nearest(to: queries, count: min(batch.count, 2 * settings.m + 1), by: score)
        let before = links
        let perBlock = 16
        let found = parallelMap((batch.count + perBlock - 1) / perBlock) { block in
            var search = LayerSearch(nodes: before.count)
            return (block * perBlock..<min(batch.count, (block + 1) * perBlock)).map { place in
                let near =
                    before.count == 0
                    ? [] : search.neighbours(before, vectors, queries.row(place), level: levels[place], score)
                let others = peers[place].map { RankedRow(row: $0.row + Int32(batch.lowerBound), score: $0.score) }
                    .filter { Int($0.row) != batch.lowerBound + place }
                return Self.merged(near, others, level: levels[place], levels: levels, first: batch.lowerBound).map {
                    layer, rows in
                    (layer, Self.select(rows, of: Int32(batch.lowerBound + place), settings.m, vectors, score))
                }
            }
        }.flatMap { $0 }
        for (place, level) in levels.enumerated() {
            links.append(level: level)
            for (layer, rows) in found[place] {
                links.set(rows.map(\.row), of: Int32(batch.lowerBound + place), layer: layer)
            }
        }
        linkBack(found, first: batch.lowerBound, vectors, score)
    }

    /// Candidates of the graph and of the batch together, the best first, for every layer of the node.
    private static func merged(
        _ near: [Neighbours], _ others: [RankedRow], level: Int, levels: [Int], first: Int
    ) -> [Neighbours] {
        (0...level).compactMap { layer in
            let rows =
                (near.first { $0.layer == layer }?.rows ?? []) + others.filter { levels[Int($0.row) - first] >= layer }
            return rows.isEmpty ? nil : (layer, rows.sorted(by: <))
        }
    }

    /// Links the neighbours of new nodes back to them; where a node has too many then, the best choice of them stays.
    private mutating func linkBack(
        _ found: [[Neighbours]], first: Int, _ vectors: StoredTensor, _ score: RowScore
    ) {
        struct Link {
            let layer: Int
            let target: Int32
            let source: RankedRow
        }
        var added: [Link] = []
        for (place, layers) in found.enumerated() {
            for (layer, rows) in layers {
                for row in rows {
                    let source = RankedRow(row: Int32(first + place), score: row.score)
                    added.append(Link(layer: layer, target: row.row, source: source))
                }
            }
        }
        added.sort { ($0.layer, $0.target, $0.source.row) < ($1.layer, $1.target, $1.source.row) }
        var groups: [Range<Int>] = []
        for i in added.indices {
            if let last = groups.last, added[last.lowerBound].layer == added[i].layer,
                added[last.lowerBound].target == added[i].target
            {
                groups[groups.count - 1] = last.lowerBound..<i + 1
            } else {
                groups.append(i..<i + 1)
            }
        }
        let (now, perBlock) = (links, 64)
        let chosen = parallelMap((groups.count + perBlock - 1) / perBlock) { block in
            groups[block * perBlock..<min(groups.count, (block + 1) * perBlock)].map { group in
                let link = added[group.lowerBound]
                let old = now.neighbours(of: link.target, layer: link.layer)
                let new = added[group].map(\.source).filter { !old.contains($0.row) }
                let capacity = settings.capacity(link.layer)
                if old.count + new.count <= capacity { return old + new.map(\.row) }
                var scores = [Float](repeating: 0, count: old.count)
                vectors.scores(ofRow: link.target, rows: old, by: score, into: &scores)
                let all = zip(old, scores).map { RankedRow(row: $0, score: $1) } + new
                return Self.select(all.sorted(by: <), of: link.target, capacity, vectors, score).map(\.row)
            }
        }.flatMap { $0 }
        for (group, neighbours) in zip(groups, chosen) {
            links.set(neighbours, of: added[group.lowerBound].target, layer: added[group.lowerBound].layer)
        }
    }

    /// Of candidates, the best first, those that are nearer to the node than to one chosen before (algorithm 4).
    ///
    /// Vectors that equal the node's, to rounding, are not nearer to one another: a quarter of the places is theirs, so that
    /// many of them do not shut out all others.
    private static func select(
        _ candidates: [RankedRow], of node: Int32, _ limit: Int, _ vectors: StoredTensor, _ score: RowScore
    ) -> [RankedRow] {
        var chosen: [RankedRow] = []
        var rows: [Int32] = []
        var own: [Float] = [0]
        vectors.scores(ofRow: node, rows: [node], by: score, into: &own)
        var places = max(1, limit / 4)
        for candidate in candidates where chosen.count < limit {
            let isEqual = abs(candidate.score - own[0]) <= 1e-6 * abs(own[0])
            if isEqual, places == 0 { continue }
            if vectors.hasRow(in: rows, nearerTo: candidate.row, than: candidate.score, by: score) { continue }
            if isEqual { places -= 1 }
            chosen.append(candidate)
            rows.append(candidate.row)
        }
        return chosen
    }

    /// The highest layer of a node: drawn from its number alone, so that it is the same in whatever order nodes come.
    private static func level(of node: Int, m: Int) -> Int {
        let uniform = 1 - RandomSource(seed: UInt64(node) &* 0xD134_2543_DE82_EF95 &+ 1).uniform()
        return min(31, Int(-logf(uniform) / logf(Float(m))))
    }
}
