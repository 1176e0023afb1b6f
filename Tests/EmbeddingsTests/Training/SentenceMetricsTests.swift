import Embeddings
import JSON
import Tensors
import TestSupport
import Testing

/// Against sentence-transformers' evaluators, for made-up vectors.
@Suite("SentenceMetrics")
struct SentenceMetricsTests {
    private let golden: JSON
    private let a: Tensor
    private let b: Tensor
    private let c: Tensor

    init() throws {
        golden = try SentenceGoldens.file("evaluation")
        let size = try #require(golden["size"]?.integer)
        let golden = golden
        func vectors(_ key: String) -> Tensor {
            SentenceGoldens.tensor(golden[key], [(golden[key]?.array?.count ?? 0) / size, size])
        }
        (a, b, c) = (vectors("a"), vectors("b"), vectors("c"))
    }

    private func expect(
        _ section: String, _ key: String, _ found: Double?, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let wanted = golden[section]?[key]?.number
        #expect(
            wanted.map { abs($0 - (found ?? .nan)) < 1e-5 } == true,
            "\(key): \(found ?? .nan), expected \(wanted ?? .nan)",
            sourceLocation: sourceLocation)
    }

    @Test("correlations with scores, by four similarities")
    func similarity() {
        let metrics = SimilarityMetrics(a, b, scores: (golden["scores"]?.numbers ?? []).map { Float($0) })
        #expect(metrics.examples == 24)
        for (name, correlations) in metrics.all {
            expect("similarity", "pearson_\(name)", correlations.pearson)
            expect("similarity", "spearman_\(name)", correlations.spearman)
        }
    }

    @Test("pairs are told apart with the best thresholds")
    func pairs() {
        let metrics = PairMetrics(a, b, labels: (golden["binary"]?.integers ?? []).map { $0 == 1 })
        for (name, separation) in metrics.all {
            expect("pairs", "\(name)_accuracy", separation.accuracy)
            expect("pairs", "\(name)_accuracy_threshold", separation.accuracyThreshold)
            expect("pairs", "\(name)_f1", separation.f1)
            expect("pairs", "\(name)_f1_threshold", separation.f1Threshold)
            expect("pairs", "\(name)_precision", separation.precision)
            expect("pairs", "\(name)_recall", separation.recall)
            expect("pairs", "\(name)_ap", separation.averagePrecision)
        }
    }

    @Test("triplets whose positive is nearer")
    func triplets() {
        let metrics = TripletMetrics(anchors: a, positives: b, negatives: c)
        for (name, accuracy) in metrics.all { expect("triplets", "\(name)_accuracy", accuracy) }
    }

    @Test("queries find their documents")
    func retrieval() {
        let relevant = (golden["relevant"]?.array ?? []).map { Set($0.integers) }
        let metrics = RetrievalMetrics(queries: a, documents: Tensor(rows: [b, c]), relevant: relevant)
        #expect(metrics.queries == 24 && metrics.documents == 48)
        for cut in metrics.cuts {
            expect("retrieval", "cosine_accuracy@\(cut.k)", cut.accuracy)
            expect("retrieval", "cosine_precision@\(cut.k)", cut.precision)
            expect("retrieval", "cosine_recall@\(cut.k)", cut.recall)
        }
        expect("retrieval", "cosine_mrr@10", metrics.mrr10)
        expect("retrieval", "cosine_ndcg@10", metrics.ndcg10)
        expect("retrieval", "cosine_map@100", metrics.map100)
    }

    @Test("a query that is a document does not find itself")
    func own() {
        let vectors = Tensor([3, 2], [1, 0, 0.9, 0.1, 0, 1])
        let metrics = RetrievalMetrics(
            queries: vectors, documents: vectors, relevant: [[1], [0], [0, 1]], own: [0, 1, 2])
        #expect(metrics.cuts[0].accuracy == 1 && metrics.mrr10 == 1)
    }

    @Test("more documents than are looked at are searched whole")
    func manyDocuments() {
        let random = RandomSource(seed: 1)
        let documents = random.normalTensor([3000, 4], standardDeviation: 1)
        let chosen: [Int32] = [7, 1999, 2998]
        let metrics = RetrievalMetrics(
            queries: documents.gather(chosen), documents: documents, relevant: chosen.map { [Int($0)] })
        #expect(metrics.cuts[0].accuracy == 1 && metrics.map100 == 1)
    }

    @Test("the number that weights are chosen by is the cosine's")
    func main() {
        let metrics = TripletMetrics(anchors: a, positives: b, negatives: c)
        #expect(SentenceMetrics.triplets(metrics).main == metrics.cosine)
        let similarity = SimilarityMetrics(a, b, scores: [Float](repeating: 1, count: a.rows))
        #expect(SentenceMetrics.similarity(similarity).main == -1 && similarity.cosine.spearman == nil)
    }
}
