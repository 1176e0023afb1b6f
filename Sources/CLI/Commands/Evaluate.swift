import ArgumentParser
import Checkpoints
import Embeddings
import FoundationEssentials
import JSON
import SystemPackage
import Tasks

struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a classifier, a regression, a tagger or a sentence encoder on labelled texts.",
        discussion: """
            Prints accuracy with its 95 % confidence interval, macro-F1, precision and recall of every label, and the \
            confusion matrix. Of a tagger: the F1 of entities, and the share of words with the right tag. Where a text may have several labels: micro-F1, macro-F1, the share of exact matches, \
            and precision and recall of every label. For numbers: the correlations of Pearson and Spearman, and the \
            squared and the absolute error. Of a model that makes vectors, by what the file has: of pairs with scores the correlations, of pairs with 0 and 1 how well they are told apart, of triplets the share \
            whose positive is nearer, of queries with documents, or of texts with labels, what is found first.

            Example: graft evaluate reviews/ --data test.tsv
            """)

    @OptionGroup var model: ModelArgument

    @Option(
        help: "The labelled examples: TSV, CSV, JSON, fastText's lines, or a folder, gzipped or not.",
        completion: .file())
    var data: String

    @Flag(help: "Print one JSON record instead of tables.")
    var json = false

    @Option(help: "Cut texts after this many tokens (default: as the model was trained).")
    var maxLength: Int?

    @Option(help: "Where a text may have several labels: the score from which on one is given (default: 0.5).")
    var threshold: Float?

    @Option(help: "With pairs for a model that makes vectors: the label of those that belong together (default: 1).")
    var positiveLabel: String?

    @Option(
        help: ArgumentHelp(
            "For a model that makes vectors: the columns with the texts (default: found by usual names).",
            valueName: "anchor,positive"))
    var textColumns: TextColumns?

    @OptionGroup var columns: ColumnOptions
    @OptionGroup var threads: ThreadOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var adapters: AdapterChoice

    func validate() throws {
        try checkMaxLength(maxLength)
        try checkThreshold(threshold)
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let found = try model.find()
            if case .transformer(let directory) = found {
                if try TokenTagger.isPublished(in: directory) { return try printed(evaluateTagger(directory)) }
                if try SentenceEncoder.isPublished(in: directory) { return try printed(evaluateVectors(directory)) }
            }
            try printed(evaluateLabels(found))
        }
    }

    private func evaluateLabels(_ model: FoundModel) throws -> EvaluationMetrics {
        try refuse(
            positiveLabel != nil || textColumns != nil,
            "--positive-label and --text-columns are for models that make vectors.")
        let examples = try LabelledExamples(FilePath(data), columns: columns.columns, for: .evaluation)
        StandardError.note(
            "\(examples.file): \(examples.layout.description), \(examples.examples.count.counted("example"))")
        let isPair = examples.layout.isPair
        let classifier = try adapters.classifier(model, precision, maxLength: maxLength, pairs: isPair)
        try classifier.decide(at: threshold)
        let targets = try classifier.targets(examples)
        let logits = classifier.logits(of: examples.examples.map { InputText(text: $0.text, pair: $0.pair) })
        return classifier.evaluate(logits: logits, targets: targets)
    }

    private func printed(_ metrics: EvaluationMetrics) throws {
        if json {
            try StandardOutput.print(String(decoding: metrics.report.serialized(), as: UTF8.self))
        } else {
            try StandardOutput.print(MetricsText(metrics).text, terminator: "")
        }
    }

    private func evaluateVectors(_ directory: ModelDirectory) throws -> EvaluationMetrics {
        try refuse([
            "--text-template": columns.textTemplate != nil, "--threshold": threshold != nil,
            "--label-names": columns.labelNames != nil,
            "--text-column beside --text-columns": textColumns != nil
                && (columns.textColumn != nil || columns.pairColumn != nil),
            "--pair-column without --text-column": columns.pairColumn != nil && columns.textColumn == nil,
        ]) { "\($0) does not go with a model that makes vectors." }
        let (base, setup) = try adapters.open(directory)
        let encoder = try SentenceEncoder(base, precision: precision.resolve(), adapters: setup)
        if let maxLength {
            try checkMaxLength(maxLength, positions: encoder.tokenLimit, encoder.tokenizer)
            encoder.maxLength = maxLength
        }
        let corpus = try SentenceCorpus(
            FilePath(data), columns.sentenceColumns(textColumns?.names), for: .evaluation)
        StandardError.note("\(corpus.file): \(corpus.columns.description)")
        try refuse(
            positiveLabel != nil && (corpus.textCount != 2 || !corpus.hasLabels),
            "--positive-label is for pairs with labels; \(corpus.file) has none.")
        let scratch = FilePath(FileManager.default.temporaryDirectory.path())
        let evaluation = try SentenceEvaluation(
            corpus, positive: positiveLabel, keepingTokensIn: scratch, tokens: encoder.tokens)
        if evaluation.cut > 0 {
            StandardError.note(
                "\(evaluation.cut.counted("text is", "texts are")) longer than the model takes and cut (--max-length)")
        }
        return .sentences(evaluation.metrics(encoder.embed))
    }

    private func evaluateTagger(_ directory: ModelDirectory) throws -> EvaluationMetrics {
        try refuse([
            "What columns are called": columns.areGiven || textColumns != nil, "--threshold": threshold != nil,
            "--positive-label": positiveLabel != nil,
            "--adapter": !adapters.adapter.isEmpty,
        ]) { "\($0) does not go with a model for token classification." }
        let data = try TaggedSentences(FilePath(data))
        StandardError.note(data.description)
        let tagger = try TokenTagger(directory, precision: precision.resolve())
        try tagger.limit(to: maxLength)
        let (examples, cut) = try tagger.examples(data)
        if cut > 0 {
            StandardError.note(
                "\(cut.counted("sentence is", "sentences are")) cut after \(tagger.maxLength.counted("token")); "
                    + "further words do not count (--max-length)"
            )
        }
        return tagger.evaluate(examples, features: nil)
    }
}
