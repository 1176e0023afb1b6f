public import Embeddings
public import SystemPackage
import Tensors

extension CorpusMap {
    /// Draws an index.
    ///
    /// - Parameters:
    ///   - labels: a file with a label for each text; `nil` for groups by k-means, named by the text in the middle.
    ///   - sample: of more vectors so many are drawn, taken evenly.
    public init(
        _ index: VectorIndex, title: String, labels: FilePath?, groups: Int, sample: Int, neighbours: Int, seed: UInt64,
        progress: (Double) -> Void = { _ in }
    ) throws(TextIndexing.Failure) {
        let drawn = min(sample, index.count)
        let rows = (0..<drawn).map { $0 * index.count / drawn }
        let unit = index.unitVectors
        let vectors = Tensor([drawn, unit.columns], rows.flatMap { unit.rows($0..<$0 + 1).tensor.values })
        var texts: [String] = []
        for row in rows {
            do throws(SearchError) { texts.append(try index.entry(row)?.text ?? "row \(row)") } catch {
                throw .index(error)
            }
        }
        let layout = NeighbourLayout(vectors, neighbours: neighbours, seed: seed, progress: progress)
        let (names, places) =
            try labels.map { path throws(TextIndexing.Failure) in
                try Self.read(path, rows: rows, count: index.count)
            } ?? Self.groups(vectors, texts, min(groups, drawn), seed)
        self.init(
            title: title,
            points: rows.indices.map { Point(place: layout.points[$0], text: texts[$0], label: places[$0]) },
            labels: names)
    }

    private static func groups(
        _ vectors: Tensor, _ texts: [String], _ count: Int, _ seed: UInt64
    ) -> (names: [String], places: [Int]) {
        guard vectors.rows > 0 else { return ([], []) }
        let stored = StoredTensor(vectors)
        let groups = KMeans(stored, count: count, seed: seed).groups(of: stored).filter { !$0.isEmpty }
        var places = [Int](repeating: 0, count: vectors.rows)
        for (label, rows) in groups.enumerated() { for row in rows { places[Int(row)] = label } }
        let names = groups.map { rows in
            let text = texts[Int(rows[0])]
            return text.count > 48 ? text.prefix(47) + "…" : text
        }
        return (names, places)
    }

    /// The labels in the order in which they first stand in the file, and that of each row.
    private static func read(
        _ path: FilePath, rows: [Int], count: Int
    ) throws(TextIndexing.Failure) -> (names: [String], places: [Int]) {
        var all: [String] = []
        do {
            let descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
            defer { try? descriptor.close() }
            let reader = LineReader(descriptor)
            while case let lines = try reader.nextWindow(limit: 4096), !lines.isEmpty {
                for line in lines {
                    if case .text(let text) = line.content { all.append(text) } else { all.append("") }
                }
            }
        } catch { throw .unreadable(path, error as? Errno ?? .ioError) }
        if all.count != count { throw .labels(path, found: all.count, expected: count) }
        var places: [String: Int] = [:]
        var names: [String] = []
        let found = rows.map { row in
            if let known = places[all[row]] { return known }
            places[all[row]] = names.count
            names.append(all[row])
            return names.count - 1
        }
        return (names, found)
    }
}
