import Checkpoints
public import JSON
public import SystemPackage
import Tensors

/// The data of a run of fine-tuning, checked and divided before a model is opened. It holds no texts: they are read
/// again, window by window, to be tokenized.
public struct FineTuningData: Sendable {
    public struct Options: Sendable {
        public var columns = LabelledExamples.Columns()
        /// `nil`: what the labels look like.
        public var problem: ProblemType?
        /// Of the training data, to choose the best epoch by where no other data is given; `nil`: none.
        public var devShare: Double? = 0.1
        /// Whether training texts that come before, or that are in the given dev data, are left out.
        public var dropsDuplicates = false
        public var seed: UInt64 = 42

        public init() {}
    }

    public let train: CorpusScan
    public let dev: CorpusScan?
    public let problem: ProblemType
    /// Of the head.
    public let labels: [String]
    public let checks: DataChecks
    /// How many examples were left out as duplicates.
    public let dropped: Int
    /// The examples of `train` that are learned from, and those that are set aside; `nil`: all, and none.
    private let rows: [Int]?
    private let devRows: [Int]?
    private let targets: Targets
    private let devTargets: Targets?

    /// - Parameter dev: `nil`: the part of the folder `train` that is named so, else a share of the examples.
    public init(train path: FilePath, dev devPath: FilePath?, _ options: Options) throws(CorpusError) {
        let keepsNumbers = options.problem == nil || options.problem == .regression
        let train = try CorpusScan(Corpus(path, columns: options.columns), keepsNumbers: keepsNumbers)
        var dev: CorpusScan?
        if let devPath = devPath ?? (options.devShare == nil ? nil : CorpusFolder.development(in: path)) {
            let corpus = try Corpus(devPath, columns: options.columns, for: .development)
            dev = try CorpusScan(corpus, keepsNumbers: keepsNumbers)
        }
        self.train = train
        self.dev = dev
        problem = try train.labels.problem(options.problem)
        labels = try train.labels.headLabels(for: problem)
        let targets = try train.labels.targets(labels, for: problem)
        self.targets = targets
        devTargets = try dev?.labels.targets(labels, for: problem)
        checks = DataChecks(train, dev: dev, labels: labels, targets: targets)

        var rows: [Int]?
        if options.dropsDuplicates {
            let held = Set(dev?.fingerprints ?? [])
            let leaders = DataSplit.leaders(train.fingerprints)
            rows = leaders.indices.filter { leaders[$0] == $0 && !held.contains(train.fingerprints[$0]) }
        }
        let kept = rows ?? Array(0..<train.count)
        dropped = train.count - kept.count
        var devRows: [Int]?
        if dev == nil, let share = options.devShare {
            let split = DataSplit(kept.map { train.fingerprints[$0] }, targets.gather(kept))
                .setAside(share: share, seed: options.seed)
            if split.aside.isEmpty { throw .tooFewToSplit(train.file) }
            rows = split.rest.map { kept[$0] }
            devRows = split.aside.map { kept[$0] }
        }
        self.rows = rows
        self.devRows = devRows
    }

    public var trainCount: Int { rows?.count ?? train.count }
    public var devCount: Int? { devRows?.count ?? dev?.count }
    /// Whether the dev examples were taken from the training data.
    public var isSplit: Bool { devRows != nil }
    /// Whether nothing was found that is wrong with it, or left in.
    public var isClean: Bool { checks.isClean }
    public var hasPairs: Bool { train.corpus.layout.isPair }

    /// Counts and findings.
    public var report: JSONObject {
        var report: JSONObject = [
            "train": .string(train.file.string), "format": .string("\(train.corpus.layout.description)"),
            "problem": .string(problem.rawValue), "examples": .integer(train.count),
            "trainExamples": .integer(trainCount), "dev": dev.map { .string($0.file.string) } ?? .null,
            "devExamples": devCount.map { .integer($0) } ?? .null, "dropped": .integer(dropped),
        ]
        for member in checks.report.members { report.append(member.key, member.value) }
        return report
    }

    /// What is learned from, tokenized.
    public struct Tokenized: Sendable {
        public let train: FineTuning.Examples
        public let dev: FineTuning.Examples?
        /// How many texts of all the files are longer than the classifier takes.
        public let cut: Int
    }

    /// Tokenizes all texts, on all threads, as the classifier reads them.
    ///
    /// - Parameter directory: has room for the tokens, which are kept there in a file without a name.
    public func tokenized(
        for classifier: SequenceClassifier, keepingTokensIn directory: FilePath
    ) throws(CorpusError) -> Tokenized {
        let (texts, trainCut) = try train.corpus.tokenized(for: classifier, in: directory, count: train.count)
        let all = FineTuning.Examples(texts: texts, targets: targets)
        let training = rows.map { all.selecting($0) } ?? all
        guard let dev, let devTargets else {
            return Tokenized(train: training, dev: devRows.map { all.selecting($0) }, cut: trainCut)
        }
        let (devTexts, devCut) = try dev.corpus.tokenized(for: classifier, in: directory, count: dev.count)
        return Tokenized(
            train: training, dev: FineTuning.Examples(texts: devTexts, targets: devTargets), cut: trainCut + devCut)
    }

    /// The rows of the training file for each fold of a cross-validation: those that it learns from, and the others.
    public func folds(_ count: Int, of examples: FineTuning.Examples, seed: UInt64) -> [(train: [Int], dev: [Int])] {
        let kept = rows ?? Array(0..<train.count)
        precondition(examples.texts.count == kept.count, "\(examples.texts.count) examples, \(kept.count) rows")
        let folds = DataSplit(kept.map { train.fingerprints[$0] }, examples.targets).folds(count, seed: seed)
        return folds.indices.map { fold in
            (folds.indices.filter { $0 != fold }.flatMap { folds[$0] }.sorted(), folds[fold])
        }
    }
}

extension Corpus {
    /// All texts as tokens in a file without a name, and how many were cut.
    ///
    /// - Parameter count: how many there were when the file was read before.
    func tokenized(
        for classifier: SequenceClassifier, in directory: FilePath, count: Int
    ) throws(CorpusError) -> (texts: TokenizedTexts, cut: Int) {
        let (tokenizer, maxLength) = (classifier.tokenizer, classifier.maxLength)
        var cut = 0
        var writer: TokenFileWriter
        do throws(CheckpointError) { writer = try TokenFileWriter(in: directory) } catch { throw .tokens(error) }
        func tokens(_ example: LabelledExamples.Example) -> (TokenizedText, isCut: Bool) {
            // One more than fits tells whether a text is cut.
            let text = TokenizedText(example.text, pair: example.pair, tokenizer, maxLength: maxLength + 1)
            guard text.count > maxLength else { return (text, false) }
            return (TokenizedText(example.text, pair: example.pair, tokenizer, maxLength: maxLength), true)
        }
        try forEachWindow(tokens) { (window) throws(CorpusError) in
            for (text, isCut) in window {
                if isCut { cut += 1 }
                do throws(CheckpointError) { try writer.append(text) } catch { throw .tokens(error) }
            }
        }
        let file: TokenFile
        do throws(CheckpointError) { file = try writer.finish() } catch { throw .tokens(error) }
        if file.count != count { throw .changed(self.file) }
        return (TokenizedTexts(file), cut)
    }
}
