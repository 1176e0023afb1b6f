import Checkpoints
import Embeddings
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("SentenceCorpus")
struct SentenceCorpusTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func corpus(
        _ text: String, _ name: String = "data.tsv", _ change: (inout SentenceColumns.Choice) -> Void = { _ in }
    ) throws -> SentenceCorpus {
        var choice = SentenceColumns.Choice()
        change(&choice)
        return try SentenceCorpus(scratch.write(text, to: name), choice)
    }

    private func rows(_ corpus: SentenceCorpus) throws -> [SentenceCorpus.Row] {
        var rows: [SentenceCorpus.Row] = []
        try corpus.forEachWindow(\.self) { (window) throws(CorpusError) in rows += window }
        return rows
    }

    @Test(
        "columns are found by their names",
        arguments: [
            ("text_a\ttext_b\tscore\tgenre\n1\t2\t3\t4", "TSV, text columns 'text_a', 'text_b', label column 'score'"),
            (
                "anchor\tpositive\tnegative_1\tnegative_2\na\tb\tc\td",
                "TSV, text columns 'anchor', 'positive', 'negative_1', 'negative_2'"
            ),
            ("query,passage\na,b", "CSV, text columns 'query', 'passage'"),
            ("label\ttext\nx\ty", "TSV, text column 'text', label column 'label'"),
            (
                #"{"premise":"a","hypothesis":"b","label":"c"}"#,
                "JSON Lines, text columns 'premise', 'hypothesis', label column 'label'"
            ),
            ("a cat\ta dog\t0.5\nthe cat\tthe dog\t1", "TSV without a header, text columns '1', '2', label column '3'"),
            ("a line\nanother line", "TSV without a header, text column '1'"),
            ("text\none, and two, and three\na line\nanother, line\nof text", "TSV, text column 'text'"),
        ])
    func names(text: String, expected: String) throws {
        #expect(try corpus(text, "data").columns.description == expected)
    }

    @Test("a column that is read needs a name of its own, and is no text and label at once")
    func columnsTwice() throws {
        let file = scratch("data.tsv")
        #expect(throws: CorpusError.repeatedColumn(file, name: "query")) {
            try corpus("query\tquery\tpassage\na\tb\tc\n")
        }
        #expect(throws: CorpusError.sameColumn(file, name: "y", options: ["--text-columns", "--label-column"])) {
            try corpus("x\ty\na\t1\n") { ($0.texts, $0.label) = (["x", "y"], "y") }
        }
    }

    @Test("columns may be named, or without a header numbered")
    func named() throws {
        let table = "x\ty\tz\na\tb\t1\nc\td\t0\n"
        let named = try corpus(table) {
            $0.texts = ["y", "x"]
            $0.label = "z"
        }
        #expect(try rows(named).map(\.texts) == [["b", "a"], ["d", "c"]])
        #expect(try rows(named).map(\.label) == ["1", "0"])
        let numbered = try corpus("a\tb\t1\nc\td\t0\n") { $0.texts = ["2"] }
        #expect(try rows(numbered).map(\.texts) == [["b"], ["d"]])
        #expect(
            throws: CorpusError.missingColumn(
                scratch("data.tsv"), wanted: ["w"], found: ["x", "y", "z"], option: "--text-columns")
        ) {
            try corpus(table) {
                $0.texts = ["w"]
                $0.hasHeader = true
            }
        }
    }

    @Test("lines that do not fit are named")
    func badLines() throws {
        func error(_ text: String, _ name: String = "data.tsv") throws -> CorpusError? {
            let corpus = try corpus(text, name)
            do { _ = try rows(corpus) } catch { return error as? CorpusError }
            return nil
        }
        let file = scratch("data.tsv")
        #expect(try error("anchor\tpositive\na\tb\nc\n") == .wrongFieldCount(file, line: 3, found: 1, expected: 2))
        #expect(
            try error("{\"anchor\":\"a\",\"positive\":\"b\"}\n{\"anchor\":\"a\"}\n")
                == .missingMember(file, line: 2, wanted: ["positive"], option: "--text-columns"))
        #expect(throws: CorpusError.noExamples(file)) { try corpus("") }
        #expect(throws: CorpusError.noColumns(file, format: .fastText)) { try corpus("__label__a text\n") }
        #expect(
            throws: CorpusError.ambiguousColumns(file, found: ["title", "body"], option: "--text-columns")
        ) { try corpus("title\tbody\na\tb\n") }
    }

    @Test("a loss refuses a file that has not what it needs")
    func requirements() throws {
        let encoder = try TrainableSentenceEncoder(ModelDirectory(TinyModel.make(in: scratch, named: "m")))
        func examples(
            _ loss: SentenceObjective.Loss, _ text: String, _ selection: SentenceExamples.Selection = .init()
        ) throws -> SentenceExamples {
            try SentenceExamples(
                corpus(text), for: SentenceObjective(loss), selection, teacher: nil, encoder,
                keepingTokensIn: scratch.path)
        }
        let file = scratch("data.tsv")
        let pairs = "anchor\tpositive\nthe film\tthe plot\nfilm\tplot\n"
        let scored = "text_a\ttext_b\tscore\nthe film\tthe plot\t5\nfilm\tplot\t2.5\n"
        func expectWrong(_ loss: SentenceObjective.Loss, _ text: String, found: String) {
            let error = #expect(throws: CorpusError.self) { try examples(loss, text) }
            guard case .wrongColumns(file, found: found, _) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
        #expect(throws: CorpusError.blankTexts(file)) { try examples(.tsdae, "text\n \n  \n") }
        expectWrong(.cosent, pairs, found: "2 columns of texts")
        expectWrong(.triplet, scored, found: "2 columns of texts with a label")
        expectWrong(.simcse, pairs, found: "2 columns of texts")
        expectWrong(.batchHard, "text\na\nb\n", found: "1 column of texts")
        let cosines = try examples(.cosine, scored)
        #expect(cosines.targets == .scores([1, 0.5]) && cosines.scoreScale == 5)
        #expect(try examples(.cosent, scored).targets == .scores([5, 2.5]))
        let best = try examples(.mnr, scored, SentenceExamples.Selection(minimumScore: 4))
        #expect(best.count == 1 && best.dropped == 1 && best.targets == .none)
        #expect(throws: CorpusError.notBinary(file, line: 2, label: "5")) { try examples(.contrastive, scored) }
        #expect(throws: CorpusError.notAScore(file, line: 3, label: "x")) {
            try examples(.cosent, "text_a\ttext_b\tscore\na\tb\t1\na\tb\tx\n")
        }
        let labelled = "text\tlabel\na\tx\nb\tx\nc\ty\nd\tz\n"
        #expect(throws: CorpusError.tooFewGroups(file)) { try examples(.batchHard, labelled) }
        #expect(throws: CorpusError.singleLabel(file, label: "x")) {
            try examples(.batchHard, "text\tlabel\na\tx\nb\tx\n")
        }
        let entailment = "premise\thypothesis\tlabel\na\tb\tentailment\nc\td\tneutral\n"
        let selection = SentenceExamples.Selection(positiveLabel: "entailment")
        #expect(try examples(.contrastive, entailment, selection).targets == .scores([1, 0]))
        let other = SentenceExamples.Selection(positiveLabel: "entailmnt")
        #expect(throws: CorpusError.labelNotFound(file, label: "entailmnt")) {
            try examples(.contrastive, entailment, other)
        }
        #expect(throws: CorpusError.allLeftOut(file, count: 2)) { try examples(.mnr, entailment, other) }
        #expect(throws: CorpusError.notAScore(file, line: 2, label: "1e39")) {
            try examples(.cosent, "text_a\ttext_b\tscore\na\tb\t1e39\nc\td\t0\n")
        }
        let error = #expect(throws: CorpusError.self) { try examples(.mnr, pairs, selection) }
        guard case .wrongColumns(file, found: "2 columns of texts", _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        func evaluation(_ text: String, positive: String? = nil) throws -> SentenceEvaluation {
            try SentenceEvaluation(corpus(text), positive: positive, keepingTokensIn: scratch.path) {
                encoder.tokens($0)
            }
        }
        for (text, reason) in [
            ("text\tlabel\na\tx\nb\ty\n", "no label has two texts"),
            ("text_a\ttext_b\tscore\na\tb\t2\nc\td\t2\n", "all pairs have the same score"),
        ] {
            #expect(throws: CorpusError.nothingToMeasure(file, reason: reason)) { try evaluation(text) }
        }
        // Pairs with scores are measured as such, whatever label the training data's pairs have.
        let scores = try evaluation(scored, positive: "entailment").metrics { ids in
            Tensor([ids.count, 2], ids.flatMap { [Float($0.count), 1] })
        }
        guard case .similarity = scores else {
            Issue.record("\(scores)")
            return
        }
        #expect(try examples(.mnr, entailment, selection).count == 1)
        #expect(try examples(.softmax, entailment).labels == ["entailment", "neutral"])
    }

    @Test("what is measured follows from what stands side by side")
    func evaluation() throws {
        let encoder = try TrainableSentenceEncoder(ModelDirectory(TinyModel.make(in: scratch, named: "m")))
        func metrics(_ text: String, positive: String? = nil) throws -> SentenceMetrics {
            try SentenceEvaluation(
                corpus(text), positive: positive, keepingTokensIn: scratch.path, tokens: encoder.tokens
            ).metrics(encoder.embed)
        }
        guard case .similarity(let scored) = try metrics("text_a\ttext_b\tscore\nfilm\tplot\t1\na\tb\t0.5\nc\td\t0\n"),
            case .pairs(let pairs) = try metrics("text_a\ttext_b\tlabel\nfilm\tplot\t1\na\tb\t0\n"),
            case .pairs = try metrics("premise\thypothesis\tlabel\na\tb\tyes\nc\td\tno\n", positive: "yes"),
            case .triplets(let triplets) = try metrics("anchor\tpositive\tnegative\nfilm\tfilm\tplot\n"),
            case .retrieval(let found) = try metrics("query\tpassage\nfilm\tfilm\nplot\tplot\nfilm\tfilm good\n"),
            case .retrieval(let labels) = try metrics("text\tlabel\nfilm\tx\nthe film\tx\nbad\ty\nfine\tz\n")
        else {
            Issue.record("another kind")
            return
        }
        #expect(scored.examples == 3 && pairs.examples == 2 && triplets.cosine == 1)
        // Of the queries one came twice, and has two documents.
        #expect(found.queries == 2 && found.documents == 3 && found.cuts[0].accuracy == 1)
        #expect(labels.queries == 2 && labels.documents == 4)
        #expect(throws: CorpusError.self) { try metrics("text\na\nb\n") }
    }
}
