public import Embeddings
public import SystemPackage
import Tensors

/// The examples that an objective learns from.
extension SentenceExamples {
    /// What is chosen of a file.
    public struct Selection: Equatable, Sendable {
        /// The label of texts that belong together; where labels are not learned, the others are left out.
        public var positiveLabel: String?
        /// Where scores are not learned, those below are left out.
        public var minimumScore: Double?

        public init(positiveLabel: String? = nil, minimumScore: Double? = nil) {
            self.positiveLabel = positiveLabel
            self.minimumScore = minimumScore
        }
    }

    /// Reads what the objective needs of a file, and refuses a file that has it not.
    ///
    /// - Parameters:
    ///   - teacher: what the objective learns from in place of labels.
    ///   - batchSize: at least 2.
    ///   - directory: has room for the tokens.
    public init(
        _ corpus: SentenceCorpus, for objective: SentenceObjective, _ selection: Selection, teacher: SentenceEncoder?,
        _ encoder: TrainableSentenceEncoder, keepingTokensIn directory: FilePath
    ) throws(CorpusError) {
        let columns = try objective.columns(of: corpus, hasTeacher: teacher != nil, selects: selection != Selection())
        let labelling: Labelling =
            switch objective.label(texts: columns, hasTeacher: teacher != nil) {
            case .score: .scores
            case .binary: .binary(positive: selection.positiveLabel)
            case .classes: .classes
            case .none:
                selection == Selection()
                    ? .none : .only(label: selection.positiveLabel, minimumScore: selection.minimumScore)
            }
        try self.init(
            corpus, columns: columns, labelling, keepingTokensIn: directory,
            tokens: objective.deletion == nil ? encoder.tokens : encoder.tokensWithWords)
        if let teacher { targets = .vectors(try Self.vectors(of: corpus, columns: columns, teacher)) }
        if objective.sampler == .groupedByLabel, case .classes(let classes) = targets {
            let sizes = Dictionary(grouping: classes) { $0 }.values.map(\.count)
            if sizes.count(where: { $0 >= 2 }) < 2 { throw .tooFewGroups(corpus.file) }
        }
        if objective.needsCosines { scaleScores() }
    }

    /// Scores that are larger than any cosine are divided by the largest.
    private mutating func scaleScores() {
        guard case .scores(let scores) = targets, let largest = scores.map(abs).max(), largest > 1 else { return }
        targets = .scores(scores.map { $0 / largest })
        scoreScale = largest
    }

    /// What a teacher makes of the texts, a column at a time.
    private static func vectors(
        of corpus: SentenceCorpus, columns: Int, _ teacher: SentenceEncoder
    ) throws(CorpusError) -> [Tensor] {
        var values = [[Float]](repeating: [], count: columns)
        func ids(_ row: SentenceCorpus.Row) -> [[Int32]] { row.texts.prefix(columns).map(teacher.ids) }
        try corpus.forEachWindow(ids) { window in
            for column in 0..<columns { values[column] += teacher.embed(window.map { $0[column] }).values }
        }
        return values.map { Tensor([$0.count / teacher.size, teacher.size], $0) }
    }
}

extension SentenceObjective {
    /// How many of a file's columns of texts are read.
    ///
    /// - Parameter selects: whether examples are chosen by their labels.
    fileprivate func columns(
        of corpus: SentenceCorpus, hasTeacher: Bool, selects: Bool
    ) throws(CorpusError) -> Int {
        let count = corpus.textCount
        let needsLabel = selects || label(texts: count, hasTeacher: hasTeacher) != .none
        guard texts.contains(count), corpus.hasLabels || !needsLabel else {
            throw .wrongColumns(
                corpus.file,
                found: "\(count) column\(count == 1 ? "" : "s") of texts\(corpus.hasLabels ? " with a label" : "")",
                expected: "\(requirement)\(selects ? " and a label to choose by" : "") for --loss \(loss.rawValue)")
        }
        return count
    }

    /// In words.
    private var requirement: String {
        switch loss {
        case .mnr: "anchors, positives and, where wanted, columns of negatives"
        case .angle: "pairs with scores, or anchors, positives and negatives"
        case .cosent, .cosine: "pairs with scores"
        case .contrastive, .contrastiveOnline: "pairs with labels 0 and 1"
        case .softmax: "pairs with labels"
        case .triplet: "anchors, positives and negatives"
        case .batchAll, .batchHard, .batchHardSoftMargin, .batchSemiHard: "one column of texts with labels"
        case .simcse, .tsdae: "one column of texts"
        case .distill: "texts"
        case .marginDistill: "anchors, positives and negatives, with scores or --teacher,"
        }
    }
}
