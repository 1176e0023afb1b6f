public import SystemPackage

/// Texts with their labels in memory, read from any of the formats that `Corpus` finds out.
public struct LabelledExamples: Equatable, Sendable {
    public struct Example: Equatable, Sendable {
        public let text: String
        /// The second text of a pair.
        public let pair: String?
        /// As it is written; of several labels in a JSON array these with the separator between them.
        public let label: String
        /// The labels of a JSON array, which need no separator.
        public let listedLabels: [String]?
        /// Where it stands in the file, from 1.
        public let line: Int
    }

    /// How the file is written and which columns to read; `nil` finds out.
    public struct Columns: Equatable, Sendable {
        public var format: CorpusFormat?
        public var delimiter: UInt8?
        /// Whether the first row of a table is one of names.
        public var hasHeader: Bool?
        /// Names; without a header numbers from 1.
        public var text: String?
        public var pair: String?
        public var label: String?
        /// A text with column names between braces, instead of one column.
        public var template: String?
        /// What stands between the labels of one example.
        public var labelSeparator: String
        /// The names that the labels 0, 1, ... stand for, in this order also for the head.
        public var labelNames: [String]?

        public init(text: String? = nil, pair: String? = nil, label: String? = nil, labelSeparator: String = ",") {
            self.text = text
            self.pair = pair
            self.label = label
            self.labelSeparator = labelSeparator
        }

        /// What the caller has said of columns.
        var named: [String] { [text, pair, label].compactMap { $0 } }
    }

    public let file: FilePath
    /// How the file turned out to be written.
    public let layout: CorpusLayout
    public let examples: [Example]
    public let labelColumn: LabelColumn

    /// Reads a whole file.
    public init(
        _ path: FilePath, columns: Columns = Columns(), for purpose: CorpusFolder.Purpose = .training
    ) throws(CorpusError) {
        let corpus = try Corpus(path, columns: columns, for: purpose)
        file = corpus.file
        layout = corpus.layout
        var examples: [Example] = []
        try corpus.forEachWindow(\.self) { (window) throws(CorpusError) in examples += window }
        if examples.isEmpty { throw .noExamples(file) }
        var labels = LabelColumn(corpus)
        for example in examples { labels.append(example) }
        self.examples = examples
        labelColumn = labels
    }

    public var texts: [String] { examples.map(\.text) }

    public var likelyProblem: ProblemType { labelColumn.likelyProblem }

    public func labels(for problem: ProblemType) -> [String] { labelColumn.labels(for: problem) }

    public func headLabels(for problem: ProblemType) throws(CorpusError) -> [String] {
        try labelColumn.headLabels(for: problem)
    }

    /// - Parameter labels: of the head, in the order of its logits.
    public func targets(_ labels: [String], for problem: ProblemType) throws(CorpusError) -> Targets {
        try labelColumn.targets(labels, for: problem)
    }
}
