public import Embeddings
import JSON
public import Tensors

/// Groups of an index's texts as records.
public struct ClusterRecords {
    private let index: VectorIndex
    /// Texts of a record; all rows are in it whatever it is.
    private let textLimit: Int

    public init(_ index: VectorIndex, textLimit: Int) {
        self.index = index
        self.textLimit = textLimit
    }

    /// `{"cluster":0,"size":12,"rows":[...],"texts":[...]}` for each group of rows, the row in the middle first.
    public func render(_ groups: [[Int32]]) throws(SearchError) -> [UInt8] {
        var writer = JSONWriter()
        for (cluster, rows) in groups.enumerated() {
            writer.beginObject()
            writer.key("cluster")
            writer.integer(cluster)
            writer.key("size")
            writer.integer(rows.count)
            try writer.write(rows, of: index, textLimit: textLimit)
            writer.endObject()
            writer.endLine()
        }
        return writer.bytes
    }

    /// `{"score":0.97,"rows":[3,17],"texts":[...]}` for each pair.
    public func render(_ pairs: [ParaphraseMining.Pair]) throws(SearchError) -> [UInt8] {
        var writer = JSONWriter()
        for pair in pairs {
            writer.beginObject()
            writer.key("score")
            writer.number(pair.score)
            try writer.write([pair.first, pair.second], of: index, textLimit: 2)
            writer.endObject()
            writer.endLine()
        }
        return writer.bytes
    }
}

extension JSONWriter {
    fileprivate mutating func write(
        _ rows: [Int32], of index: VectorIndex, textLimit: Int
    ) throws(SearchError) {
        key("rows")
        beginArray()
        for row in rows { integer(row) }
        endArray()
        guard index.description.hasTexts, textLimit > 0 else { return }
        let entries = try rows.prefix(textLimit).map { row throws(SearchError) in try index.entry(Int(row)) }
        if entries.contains(where: { $0?.id != nil }) {
            key("ids")
            beginArray()
            for entry in entries { write(entry?.id ?? .null) }
            endArray()
        }
        key("texts")
        beginArray()
        for entry in entries { string(entry?.text ?? "") }
        endArray()
    }
}

extension VectorIndex {
    /// The rows with equal texts, each group in rising order, by their first rows; in an index without texts those with
    /// equal vectors.
    public func equalRows() throws(SearchError) -> [[Int32]] {
        var groups: [[UInt8]: [Int32]] = [:]
        for row in 0..<count {
            let key = try entry(row).map { Array($0.text.utf8) } ?? bytes(row)
            groups[key, default: []].append(Int32(row))
        }
        return groups.values.filter { $0.count > 1 }.sorted { $0[0] < $1[0] }
    }

    private func bytes(_ row: Int) -> [UInt8] {
        vectors.rows(row..<row + 1).tensor.values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
        }
    }

    /// The vectors, scaled to length 1.
    public var unitVectors: StoredTensor {
        if description.similarity == .cosine { return vectors }
        var vectors = vectors.tensor
        vectors.scaleRowsToLength1()
        return StoredTensor(vectors)
    }
}

extension KMeans {
    /// The rows of each group, the nearest to its centre first; the largest group first.
    public func groups(of vectors: StoredTensor) -> [[Int32]] {
        var rows = [[Int32]](repeating: [], count: centres.rows)
        for (row, cluster) in clusters.enumerated() { rows[Int(cluster)].append(Int32(row)) }
        let sorted = rows.enumerated().map { cluster, rows in
            var scores = [Float](repeating: 0, count: rows.count)
            vectors.scores(of: centres.row(cluster), rows: rows, by: .negativeSquaredDistance, into: &scores)
            return zip(rows, scores).map { RankedRow(row: $0, score: $1) }.sorted(by: <).map(\.row)
        }
        return sorted.indices.sorted { (sorted[$1].count, $0) < (sorted[$0].count, $1) }.map { sorted[$0] }
    }
}
