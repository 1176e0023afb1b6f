import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("RecordStream")
struct RecordStreamTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func run(
        _ input: [UInt8], json: Bool = false, _ render: ([RecordStream.Item]) throws(RecordStream.Failure) -> [UInt8]
    ) throws -> (records: [JSON], summary: RecordStream.Summary) {
        let source = try FileDescriptor.open(scratch.write(input, to: "in"), .readOnly)
        let sink = try FileDescriptor.open(
            scratch("out"), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        defer {
            try? source.close()
            try? sink.close()
        }
        let summary = try RecordStream(input: source, output: sink, readsJSON: json).run(render)
        let lines = (contents(of: scratch("out")) ?? []).split(separator: UInt8(ascii: "\n"))
        return (try lines.map { try JSON(parsing: Array($0)) }, summary)
    }

    /// The same label and score; with OpenBLAS, whose rows are not independent, the same to rounding.
    private func isSame(_ a: JSON, _ b: JSON) -> Bool {
        let tolerance = MatrixEngine.current.hasIndependentRows ? 0 : 1e-5
        return a["label"] == b["label"] && abs((a["score"]?.number ?? 0) - (b["score"]?.number ?? 1)) <= tolerance
    }

    private func classifier() throws -> SequenceClassifier {
        try SequenceClassifier(ModelDirectory(TinyModel.make("tiny-bert-gelu-classifier", in: scratch, named: "c")))
    }

    @Test("N lines in, N records out, in order, and the same whatever the window")
    func order() throws {
        let classifier = try classifier()
        let words = ["good", "bad", "the film was dull", "", "very warm plot", "not fine, not cold!"]
        let lines = (0..<5000).map { words[$0 % words.count] }
        let records = try run(
            Array((lines.joined(separator: "\n") + "\n").utf8), ClassificationRecords(classifier).render
        ).records
        #expect(records.count == 5000)
        #expect(records.enumerated().allSatisfy { $1["index"] == .integer($0) })
        for index in words.count..<5000 {
            let first = records[index % words.count]
            #expect(isSame(records[index], first))
        }
    }

    @Test("where a line has many results, fewer lines are rendered at a time, and none is lost")
    func windows() throws {
        #expect(RecordStream.windowLimit(resultsPerLine: 10) == RecordStream.windowLimit)
        #expect(RecordStream.windowLimit(resultsPerLine: 1000) == 1024)
        #expect(RecordStream.windowLimit(resultsPerLine: 10_000) == 64)
        #expect(RecordStream.windowLimit(resultsPerLine: 100_000_000) == 1)
        let source = try FileDescriptor.open(scratch.write("a\nb\nc\n", to: "in"), .readOnly)
        let sink = try FileDescriptor.open(
            scratch("out"), .writeOnly, options: [.create, .truncate], permissions: .ownerReadWrite)
        defer {
            try? source.close()
            try? sink.close()
        }
        var sizes: [Int] = []
        let summary = try RecordStream(input: source, output: sink).run(resultsPerLine: 1 << 19) { items in
            sizes.append(items.count)
            return Array("{}\n".utf8)
        }
        #expect(sizes == [2, 1] && summary.records == 3)
    }

    @Test("a line that cannot be used becomes an error in its place")
    func faults() throws {
        let classifier = try classifier()
        let input = Array("good\n".utf8) + [0x61, 0xFF, 0x0A] + Array("bad\n".utf8)
        let (records, summary) = try run(input, ClassificationRecords(classifier, showsAllScores: true).render)
        #expect(records[1] == .object(["index": .integer(1), "error": .string("line 2 is not valid UTF-8 at byte 1")]))
        #expect(summary.records == 3 && summary.failures == 1 && !summary.endedEarly)
        let scores = try #require(records[2]["scores"]?.object)
        #expect(scores.members.map(\.key) == classifier.labels)
        #expect(abs(scores.members.reduce(0) { $0 + ($1.value.number ?? 0) } - 1) < 1e-5)
    }

    @Test("JSON lines give text, pair and id; what they get wrong is said")
    func json() throws {
        let classifier = try classifier()
        let input = [
            #"{"text":"good","id":"a7"}"#, "plain", #"{"text":"good","text_pair":"bad"}"#, #"{"texts":1}"#,
            #"{"text":5}"#, #"{"text":"x""#, #"{"text":"good","text_pair":null,"id":3}"#,
        ].joined(separator: "\n")
        let (records, summary) = try run(Array(input.utf8), json: true, ClassificationRecords(classifier).render)
        #expect(records[0]["id"] == .string("a7") && records[6]["id"] == .integer(3))
        #expect(isSame(records[0], records[6]) && !isSame(records[0], records[2]))
        #expect(records[3]["error"] == .string("line 4 has no \"text\""))
        #expect(records[4]["error"] == .string("line 5: \"text\" is not a string"))
        #expect(records[5]["error"]?.string?.hasPrefix("line 6 is not valid JSON") == true)
        #expect(summary.failures == 3)
    }

    @Test("vectors are written as JSON, NumPy rows, text and bytes with the same values")
    func formats() throws {
        let encoder = try SentenceEncoder(ModelDirectory(TinyModel.make(in: scratch, named: "m")))
        let text = Array("the film was good\n".utf8)
        let record = try run(text, EmbeddingRecords(encoder, format: .jsonl).render).records[0]
        let values = try #require(record["embedding"]?.numbers).map { Float($0) }
        #expect(values.count == 32 && record["tokens"] == .integer(6))
        for format in [EmbeddingRecords.Format.npy, .bin] {
            _ = try? run(text, EmbeddingRecords(encoder, format: format).render)
            #expect(
                contents(of: scratch("out"))
                    == values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
                    })
        }
        _ = try? run(text, EmbeddingRecords(encoder, format: .tsv).render)
        let line = String(decoding: contents(of: scratch("out")) ?? [], as: UTF8.self)
        #expect(line.dropLast().split(separator: "\t").map { Float($0) } == values)
    }

    @Test("a NumPy header has its fixed size and says the shape")
    func header() {
        for rows in [0, 1, 1_000_000_000] {
            let header = NPYHeader.bytes(rows: rows, columns: 384)
            #expect(header.count == NPYHeader.byteCount && header.last == UInt8(ascii: "\n"))
            #expect(String(decoding: header[10...], as: UTF8.self).contains("'shape': (\(rows), 384)"))
        }
    }

    @Test("tokens are listed with offsets into the text")
    func tokens() throws {
        let tokenizer = try SentenceEncoder(ModelDirectory(TinyModel.make(in: scratch, named: "m"))).tokenizer
        let record = try run(Array("The FILM\n".utf8), TokenRecords(tokenizer, truncation: nil).render).records[0]
        #expect(record["tokens"] == .array(["[CLS]", "the", "film", "[SEP]"].map { .string($0) }))
        #expect(record["offsets"]?.array?[2] == .array([.integer(4), .integer(8)]))
    }
}
