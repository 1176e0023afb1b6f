import Tensors

/// The memory of searches through a graph, used for one after the other.
struct LayerSearch {
    /// A bit for every node that was looked at.
    private var seen: [UInt64]
    private var candidates = CandidateQueue()
    private var pending: [Int32] = []
    private var scores: [Float] = []

    init(nodes: Int) { seen = [UInt64](repeating: 0, count: (nodes + 63) / 64) }

    /// From the top of the graph down to a layer, on each to the nearest node.
    mutating func descend(
        _ links: HNSWLinks, _ vectors: StoredTensor, _ query: ArraySlice<Float>, to layer: Int, _ score: RowScore
    ) -> RankedRow {
        var scores: [Float] = [0]
        vectors.scores(of: query, rows: [links.entry], by: score, into: &scores)
        var best = RankedRow(row: links.entry, score: scores[0])
        for above in stride(from: links.topLevel, to: layer, by: -1) {
            while true {
                let neighbours = links.neighbours(of: best.row, layer: above)
                if neighbours.isEmpty { break }
                scores = [Float](repeating: 0, count: neighbours.count)
                vectors.scores(of: query, rows: neighbours, by: score, into: &scores)
                let nearest = zip(neighbours, scores).map { RankedRow(row: $0, score: $1) }.min(by: <)
                guard let nearest, nearest < best else { break }
                best = nearest
            }
        }
        return best
    }

    /// Candidates for the links of a new node on its layers, the best first (algorithm 1).
    mutating func neighbours(
        _ links: HNSWLinks, _ vectors: StoredTensor, _ query: ArraySlice<Float>, level: Int, _ score: RowScore
    ) -> [(layer: Int, rows: [RankedRow])] {
        var start = [descend(links, vectors, query, to: level, score)]
        var result: [(layer: Int, rows: [RankedRow])] = []
        for layer in stride(from: min(level, links.topLevel), through: 0, by: -1) {
            start = run(links, vectors, query, from: start, layer: layer, ef: links.settings.efConstruction, score)
            result.append((layer, start))
        }
        return result
    }

    /// The best `ef` nodes that are found on a layer, the best first (algorithm 2).
    mutating func run(
        _ links: HNSWLinks, _ vectors: StoredTensor, _ query: ArraySlice<Float>, from start: [RankedRow], layer: Int,
        ef: Int, _ score: RowScore
    ) -> [RankedRow] {
        for i in seen.indices { seen[i] = 0 }
        var found = BestRows(ef)
        candidates.removeAll()
        for row in start where see(row.row) {
            found.add(row)
            candidates.push(row)
        }
        while let nearest = candidates.pop() {
            if found.isFull, let worst = found.worst, worst < nearest { break }
            pending.removeAll(keepingCapacity: true)
            links.forEachNeighbour(of: nearest.row, layer: layer) { neighbour in
                if see(neighbour) { pending.append(neighbour) }
            }
            if scores.count < pending.count { scores = [Float](repeating: 0, count: pending.count) }
            vectors.scores(of: query, rows: pending, by: score, into: &scores)
            for (place, row) in pending.enumerated() {
                let new = RankedRow(row: row, score: scores[place])
                if found.isFull, let worst = found.worst, !(new < worst) { continue }
                found.add(new)
                candidates.push(new)
            }
        }
        return found.sorted
    }

    /// Marks a node.
    ///
    /// - Returns: whether it is new.
    @inline(__always)
    private mutating func see(_ node: Int32) -> Bool {
        let (word, bit) = (Int(node) >> 6, UInt64(1) << UInt64(node & 63))
        if seen[word] & bit != 0 { return false }
        seen[word] |= bit
        return true
    }
}

/// Nodes whose neighbours have not been looked at, the nearest at the root of a heap.
private struct CandidateQueue {
    private var heap: [RankedRow] = []

    mutating func removeAll() { heap.removeAll(keepingCapacity: true) }

    mutating func push(_ new: RankedRow) {
        heap.append(new)
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop() -> RankedRow? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return first }
        heap[0] = last
        var parent = 0
        while case var child = 2 * parent + 1, child < heap.count {
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            if heap[parent] < heap[child] { break }
            heap.swapAt(parent, child)
            parent = child
        }
        return first
    }
}
