import JSON
import Tasks
import TestSupport
import Testing

@Suite("EntityMetrics")
struct EntityMetricsTests {
    @Test("numbers are seqeval's")
    func seqeval() throws {
        let golden = try #require(Golden.json(Golden.directory("tagging"))["entities"])
        func tags(_ key: String) -> [[String]] {
            (golden[key]?.array ?? []).map { ($0.array ?? []).compactMap(\.string) }
        }
        let metrics = EntityMetrics(targets: tags("given"), predictions: tags("predicted"))
        for (found, key) in [
            (metrics.micro.precision, "precision"), (metrics.micro.recall, "recall"), (metrics.micro.f1, "f1"),
            (metrics.accuracy, "accuracy"),
        ] { #expect(abs(found - (golden[key]?.number ?? -1)) < 1e-12, "\(key)") }
        let perType = try #require(golden["perType"]?.object)
        #expect(metrics.types == perType.members.map(\.key).sorted())
        for (type, counts) in zip(metrics.types, metrics.perType) {
            let row = try #require(perType[type])
            #expect(abs(counts.precision - (row["precision"]?.number ?? -1)) < 1e-12, "\(type)")
            #expect(abs(counts.recall - (row["recall"]?.number ?? -1)) < 1e-12, "\(type)")
            #expect(abs(counts.f1 - (row["f1-score"]?.number ?? -1)) < 1e-12, "\(type)")
            #expect(Double(counts.support) == row["support"]?.number, "\(type)")
        }
    }

    @Test("an entity begins with B-, with I- of a type that does not go on, and where a mark ended the one before")
    func spans() {
        func entities(_ tags: String) -> [String] {
            let tags = [tags.split(separator: " ").map(String.init)]
            let metrics = EntityMetrics(targets: tags, predictions: tags)
            return zip(metrics.types, metrics.perType).map { "\($0) \($1.support)" }
        }
        #expect(entities("O B-A I-A B-A O I-B I-A") == ["A 3", "B 1"])
        #expect(entities("S-A E-A I-A") == ["A 3"])
        #expect(entities("NOUN NOUN ORG O") == ["NOUN 1", "ORG 1"])
        #expect(entities("") == [])
    }

    @Test("nothing given and nothing found is no score")
    func empty() {
        let metrics = EntityMetrics(targets: [["O"]], predictions: [["O"]])
        #expect(metrics.micro.f1 == 0 && metrics.accuracy == 1 && metrics.types == [])
    }
}
