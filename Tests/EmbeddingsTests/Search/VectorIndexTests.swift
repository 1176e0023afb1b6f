import Checkpoints
import Embeddings
import FoundationEssentials
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("VectorIndex")
struct VectorIndexTests {
    private let scratch: TemporaryDirectory
    private let golden: SearchGolden

    init() throws {
        scratch = try TemporaryDirectory()
        golden = try SearchGolden()
    }

    @discardableResult
    private func make(
        _ vectors: Tensor, _ similarity: VectorSimilarity = .cosine, codes: VectorCodes? = nil, texts: Bool = true,
        graph: HNSWSettings? = nil, name: String = "i"
    ) throws -> VectorIndex {
        let writer = try IndexWriter(
            creating: scratch(name),
            IndexDescription(size: vectors.columns, similarity: similarity, hasTexts: texts, codes: codes))
        try writer.add(vectors, texts ? entries(0..<vectors.rows) : [])
        try writer.commit(graph: graph)
        return try VectorIndex(scratch(name))
    }

    private func entries(_ rows: Range<Int>) -> [IndexEntry] {
        rows.map { IndexEntry(text: "text \($0) ü\u{0}", id: $0 % 3 == 0 ? .integer($0) : nil) }
    }

    /// Clusters, as texts make them.
    private func clustered(_ count: Int, size: Int, seed: UInt64) -> Tensor {
        let random = RandomSource(seed: seed)
        let centres = RandomSource(seed: 99).normalTensor([20, size], standardDeviation: 1)
        let noise = random.normalTensor([count, size], standardDeviation: 0.4)
        return Tensor(
            [count, size],
            (0..<count).flatMap { row in zip(noise.row(row), centres.row(row % 20)).map { $0 + $1 } })
    }

    private func settings(_ topK: Int, exact: Bool = false, ef: Int = 64, rescore: Int = 4) -> SearchSettings {
        var settings = SearchSettings(topK: topK)
        (settings.isExact, settings.ef, settings.rescore) = (exact, ef, rescore)
        return settings
    }

    @Test("hits are those of sentence-transformers' semantic_search", arguments: VectorSimilarity.allCases)
    func semanticSearch(_ similarity: VectorSimilarity) throws {
        let index = try make(golden.tensor("vectors"), similarity)
        let hits = index.search(golden.tensor("queries"), settings(7))
        let expected = try #require(golden.json["hits"]?[similarity.rawValue]?.array)
        #expect(hits.count == 5 && expected.count == 5)
        for (found, expected) in zip(hits, expected) {
            let expected = (expected.array ?? []).map(\.numbers)
            #expect(found.map { Int($0.row) } == expected.map { Int($0[0]) })
            #expect(zip(found, expected).allSatisfy { abs(Double($0.score) - $1[1]) < 1e-5 * max(1, abs($1[1])) })
        }
    }

    @Test("texts and identifiers come back, whatever is in them")
    func texts() throws {
        let index = try make(golden.tensor("vectors"))
        for row in 0..<index.count { #expect(try index.entry(row) == entries(row..<row + 1)[0]) }
        #expect(try make(golden.tensor("vectors"), texts: false, name: "bare").entry(3) == nil)
        try index.verify()
    }

    @Test(
        "an index made in parts is searched as one made at once; an interrupted addition leaves no trace",
        arguments: [nil, VectorCodes.int8, .binary])
    func additions(_ codes: VectorCodes?) throws {
        let vectors = clustered(500, size: 24, seed: 1)
        let graph = HNSWSettings(m: 6, efConstruction: 40)
        let whole = try make(vectors, codes: codes, graph: graph, name: "whole")
        var parts = try make(vectors.rows(0..<200), codes: codes, graph: graph, name: "parts")
        let given = try IndexWriter(addingTo: parts)
        #expect(throws: SearchError.busy(scratch("parts"))) { try IndexWriter(addingTo: parts) }
        try given.add(vectors.rows(200..<350), entries(200..<350))
        try given.commit()
        parts = try VectorIndex(scratch("parts"))
        #expect(parts.count == 350)
        do {
            let lost = try IndexWriter(addingTo: parts)
            try lost.add(vectors.rows(0..<100), entries(0..<100))
        }
        #expect(try VectorIndex(scratch("parts")).description == parts.description)
        let last = try IndexWriter(addingTo: parts)
        try last.add(vectors.rows(350..<500), entries(350..<500))
        try last.commit()
        parts = try VectorIndex(scratch("parts"))
        try parts.verify()
        let queries = clustered(9, size: 24, seed: 2)
        #expect(parts.search(queries, settings(12, exact: true)) == whole.search(queries, settings(12, exact: true)))
        #expect(try (0..<500).allSatisfy { try parts.entry($0) == whole.entry($0) })
        #expect(scratch.names.contains("parts"))
        let names = try FileManager.default.contentsOfDirectory(atPath: scratch("parts").string)
        #expect(names.filter { $0.hasSuffix(".hnsw") } == ["graph-500-6-40.hnsw"])
        #expect(throws: CheckpointError.outputExists(scratch("parts"))) {
            try AtomicDirectory.checkAbsence(of: scratch("parts"))
        }
    }

    @Test("the smaller copies find what comparing all vectors finds", arguments: VectorCodes.allCases)
    func codes(_ codes: VectorCodes) throws {
        let vectors = clustered(2000, size: 96, seed: 3)
        let index = try make(vectors, codes: codes)
        let queries = clustered(40, size: 96, seed: 4)
        let exact = index.search(queries, settings(10, exact: true))
        let found = index.search(queries, settings(10, rescore: codes == .int8 ? 2 : 20))
        let hits = zip(exact, found).reduce(0) { $0 + Set($1.0.map(\.row)).intersection($1.1.map(\.row)).count }
        #expect(hits >= (codes == .int8 ? 395 : 260), "\(hits) of 400")
        #expect(zip(found, exact).allSatisfy { $0[0] == $1[0] || codes == .binary })
    }

    @Test(
        "a graph finds nearly all of the nearest, and is the same in whatever batches of queries it is asked",
        arguments: VectorSimilarity.allCases)
    func graph(_ similarity: VectorSimilarity) throws {
        let vectors = clustered(3000, size: 32, seed: 5)
        let index = try make(vectors, similarity, graph: HNSWSettings(m: 12, efConstruction: 100))
        let queries = clustered(50, size: 32, seed: 6)
        let exact = index.search(queries, settings(10, exact: true))
        let found = index.search(queries, settings(10, ef: 80))
        let hits = zip(exact, found).reduce(0) { $0 + Set($1.0.map(\.row)).intersection($1.1.map(\.row)).count }
        // The largest scalar products are no metric; graphs find fewer of them.
        #expect(hits >= (similarity == .dot ? 400 : 490), "\(hits) of 500")
        for query in [0, 17] {
            #expect(index.search(queries.rows(query..<query + 1), settings(10, ef: 80)) == [found[query]])
        }
        let own = index.search(vectors.rows(100..<101), settings(1))
        #expect(similarity == .dot || own[0][0].row == 100)
        let again = try make(vectors, similarity, graph: HNSWSettings(m: 12, efConstruction: 100), name: "again")
        #expect(index.description.graph == again.description.graph)
    }

    @Test("many equal vectors do not hide the others in a graph", arguments: [VectorSimilarity.cosine, .euclidean])
    func equalVectors(_ similarity: VectorSimilarity) throws {
        let random = RandomSource(seed: 3)
        let equal = random.normalTensor([1, 8], standardDeviation: 1).values
        let others = random.normalTensor([150, 8], standardDeviation: 1)
        let vectors = Tensor([850, 8], (0..<700).flatMap { _ in equal } + others.values)
        let index = try make(vectors, similarity, graph: HNSWSettings())
        let found = index.search(others, settings(1))
        #expect(found.map { $0.first?.row } == (700..<850).map { Int32($0) })
        let same = index.search(vectors.rows(0..<1), settings(10))[0]
        #expect(same.count == 10 && same.allSatisfy { $0.row < 700 })
    }

    @Test("an index is opened while another run adds to it and replaces its graph")
    func openedDuringAdditions() async throws {
        let vectors = clustered(240, size: 8, seed: 8)
        let path = scratch("i")
        _ = try make(vectors.rows(0..<200), texts: false, graph: HNSWSettings(m: 4, efConstruction: 20))
        let reading = Task.detached {
            while !Task.isCancelled {
                let index = try VectorIndex(path)
                #expect(index.description.graph?.count == index.count)
            }
        }
        for row in 200..<240 {
            let writer = try IndexWriter(addingTo: VectorIndex(path))
            try writer.add(vectors.rows(row..<row + 1), [])
            try writer.commit()
        }
        reading.cancel()
        try await reading.value
        #expect(try VectorIndex(path).count == 240)
    }

    @Test("a stop while the graph is made leaves the index as it was")
    func interrupted() throws {
        let index = try make(clustered(60, size: 8, seed: 9), graph: HNSWSettings(m: 4, efConstruction: 20))
        do {
            let writer = try IndexWriter(addingTo: index)
            try writer.add(clustered(60, size: 8, seed: 10), entries(60..<120))
            var batches = 0
            #expect(throws: SearchError.interrupted) {
                try writer.commit(shouldStop: { batches > 0 }, progress: { _ in batches += 1 })
            }
            #expect(batches == 1)
        }
        #expect(try VectorIndex(scratch("i")).description == index.description)
        try VectorIndex(scratch("i")).verify()
    }

    @Test("of cosine similarity, vectors of any length have a direction")
    func shortVectors() throws {
        let index = try make(Tensor([3, 2], [1e-14, 0, 0, .leastNonzeroMagnitude, 9e14, 9e14]))
        #expect(index.vectors.tensor.values.prefix(4) == [1, 0, 0, 1])
        let hits = index.search(Tensor([1, 2], [1e-30, 1e-30]), settings(1))[0]
        #expect(hits.map(\.row) == [2] && abs(hits[0].score - 1) < 1e-6)
    }

    @Test("vectors that cannot be compared are refused, and nothing remains")
    func badVectors() throws {
        var vectors = golden.tensor("vectors").rows(0..<3)
        vectors.mutate { $0[30] = .nan }
        #expect(throws: SearchError.vector(row: 1, "holds a value that is infinite or not a number")) {
            try make(vectors)
        }
        vectors.mutate { $0[30] = -1e15 }
        for similarity in VectorSimilarity.allCases {
            #expect(throws: SearchError.vector(row: 1, "holds a value of 1e15 or more")) {
                try make(vectors, similarity)
            }
        }
        vectors = .zeros([2, 21])
        #expect(throws: SearchError.vector(row: 0, "has no direction (all zeros)")) { try make(vectors) }
        #expect(throws: SearchError.empty(scratch("i"))) { try make(.zeros([0, 21])) }
        #expect(scratch.names == [])
        #expect(try make(.zeros([2, 21]), .dot).count == 2)
    }

    @Test("files that are missing, cut or changed are refused by name")
    func damage() throws {
        let index = try make(
            clustered(300, size: 8, seed: 7), codes: .int8, graph: HNSWSettings(m: 4, efConstruction: 20))
        let graph = try #require(index.description.graph).file
        for name in ["vectors.f32", "codes.int8", "entries", "offsets", graph] {
            let path = scratch("i/\(name)")
            let bytes = try #require(contents(of: path))
            try scratch.write(Array(bytes.dropLast()), to: "i/\(name)")
            let expected = SearchError.indexFile(path, found: bytes.count - 1, expected: bytes.count)
            #expect(throws: expected) { try VectorIndex(scratch("i")) }
            try FileManager.default.removeItem(atPath: path.string)
            #expect(throws: SearchError.file(.unreadable(path, .noSuchFileOrDirectory))) {
                try VectorIndex(scratch("i"))
            }
            var changed = bytes
            changed[changed.count / 2] ^= 0x40
            try scratch.write(changed, to: "i/\(name)")
            if name != graph { #expect(throws: SearchError.self) { try VectorIndex(scratch("i")).verify() } }
            try scratch.write(bytes, to: "i/\(name)")
        }
        try VectorIndex(scratch("i")).verify()
        var links = try #require(contents(of: scratch("i/\(graph)")))
        links.replaceSubrange(68..<72, with: [0xFF, 0xFF, 0xFF, 0x7F])
        try scratch.write(links, to: "i/\(graph)")
        #expect(throws: SearchError.damaged(scratch("i/\(graph)"), "a link leads nowhere")) {
            try VectorIndex(scratch("i"))
        }
        for (old, new) in [
            ("\"size\": 8", "\"size\": 9"), ("graft-index", "x"), ("\"version\": 1", "\"version\": 2"),
            ("\"count\": 300", "\"count\": 301"), ("\"m\": 4", "\"m\": 1"),
            ("\"efConstruction\": 20", "\"efConstruction\": 20000"),
        ] {
            let text = String(decoding: try #require(contents(of: scratch("i/index.json"))), as: UTF8.self)
            try scratch.write(text.replacing(old, with: new), to: "i/index.json")
            #expect(throws: SearchError.self, "\(new)") { try VectorIndex(scratch("i")) }
            try scratch.write(text, to: "i/index.json")
        }
    }
}
