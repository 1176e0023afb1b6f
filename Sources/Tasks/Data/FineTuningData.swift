import Checkpoints
public import JSON
public import SystemPackage
import Tensors
public import Tokenizers

/// The data of a run of fine-tuning, checked and divided before a model is opened. It holds no texts: they are read
/// again, window by window, to be tokenized.
public struct FineTuningData: Sendable {
    public struct Options: Sendable {
        public var columns = LabelledExamples.Columns()
        /// `nil`: what the labels look like.
        public var problem: ProblemType?
        /// Of the training data, to measure on where no other data is given; `nil`: none.
        public var devShare: Double? = 0.1
        /// Whether training texts that come before, or that are in the given dev data, are left out.
        public var dropsDuplicates = false
        /// The number of parts of a cross-validation.
        public var folds: Int?
        public var seed: UInt64 = 42

        public init() {}
    }

    public private(set) var train: CorpusScan
    public private(set) var dev: CorpusScan?
    public let problem: ProblemType
    /// Of the head.
    public private(set) var labels: [String]
    public let checks: DataChecks
    public private(set) var trainCount: Int
    public private(set) var devCount: Int?
    /// How many examples were left out as duplicates.
    public let dropped: Int
    /// Whether the dev examples are taken from the training data.
    public private(set) var isSplit: Bool
    private var rows: Rows

    /// What is kept of each example until the texts are tokenized.
    private struct Rows {
        var parts: [Part]
        var targets: Targets
        var devTargets: Targets?
        let folds: [Int16]?
    }

    /// Where an example of the training data goes.
    enum Part: UInt8 { case train, dev, dropped }

    /// - Parameter dev: `nil`: the part of the folder `train` that is named so, else a share of the examples.
    public init(train path: FilePath, dev devPath: FilePath?, _ options: Options) throws(CorpusError) {
        let keepsNumbers = options.problem == nil || options.problem == .regression
        let train = try CorpusScan(Corpus(path, columns: options.columns), keepsNumbers: keepsNumbers)
        var dev: CorpusScan?
        if let devPath = devPath ?? (options.devShare == nil ? nil : CorpusFolder.development(in: path)) {
            let corpus = try Corpus(devPath, columns: options.columns, for: .development)
            dev = try CorpusScan(corpus, keepsNumbers: keepsNumbers)
        }
        problem = try train.labels.problem(options.problem)
        labels = try train.labels.headLabels(for: problem)
        let targets = try train.labels.targets(labels, for: problem)
        let devTargets = try dev?.labels.targets(labels, for: problem)
        let leaders = DataSplit.leaders(train.fingerprints)
        checks = DataChecks(train, leaders: leaders, dev: dev, labels: labels, targets: targets)

        var parts = [Part](repeating: .train, count: train.count)
        if options.dropsDuplicates {
            let others = Set(dev?.fingerprints ?? [])
            for (index, leader) in leaders.enumerated()
            where index != leader || others.contains(train.fingerprints[index]) { parts[index] = .dropped }
        }
        let split = DataSplit(leaders: leaders, targets, isLeftOut: parts.map { $0 == .dropped })
        isSplit = dev == nil && options.devShare != nil
        if isSplit, let share = options.devShare {
            for (index, isAside) in split.setAside(share: share, seed: options.seed).enumerated() where isAside {
                parts[index] = .dev
            }
            if !parts.contains(.dev) { throw .tooFewToSplit(train.file) }
        }
        dropped = parts.count { $0 == .dropped }
        trainCount = parts.count { $0 == .train }
        if trainCount == 0 { throw .onlyDuplicates(train.file) }
        devCount = isSplit ? parts.count { $0 == .dev } : dev?.count
        let folds = options.folds.map { split.folds($0, seed: options.seed) }
        if let count = options.folds, Set(folds ?? []).count < count {
            throw .tooFewForFolds(train.file, folds: count)
        }
        rows = Rows(parts: parts, targets: targets, devTargets: devTargets, folds: folds)
        self.train = train
        self.train.releaseExamples()
        self.dev = dev
        self.dev?.releaseExamples()
    }

    /// Whether nothing was found that is wrong with the data.
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

    /// Brings the labels into another order, which is that of the head's outputs.
    ///
    /// - Parameter names: the labels, each once.
    public mutating func order(_ names: [String]) {
        guard names != labels else { return }
        let places = labels.map { label in names.firstIndex(of: label)! }
        labels = names
        rows.targets = rows.targets.relabelled(places)
        rows.devTargets = rows.devTargets?.relabelled(places)
    }

    /// The data of a fold of a cross-validation: its part to measure on, the others to learn from.
    ///
    /// - Parameter number: from 0; the data was divided into more parts.
    public func fold(_ number: Int) -> FineTuningData {
        guard let folds = rows.folds else { preconditionFailure("data without folds") }
        precondition(dev == nil && !isSplit, "folds beside a dev set")
        var data = self
        for index in rows.parts.indices where rows.parts[index] == .train && Int(folds[index]) == number {
            data.rows.parts[index] = .dev
        }
        let held = data.rows.parts.count { $0 == .dev }
        (data.trainCount, data.devCount, data.isSplit) = (trainCount - held, held, true)
        return data
    }

    /// What is to be said of the training examples.
    public var trainTargets: Targets {
        let train = rows.parts.indices.filter { rows.parts[$0] == .train }
        return train.count == rows.targets.count ? rows.targets : rows.targets.gather(train)
    }

    /// What is to be said of the dev examples.
    public var devTargets: Targets? {
        isSplit ? rows.targets.gather(rows.parts.indices.filter { rows.parts[$0] == .dev }) : rows.devTargets
    }

    /// Goes through the texts again: transforms them on all threads, and hands each result over in the order of the files.
    public func forEachText<Result>(
        _ transform: (String) -> Result, train takeTrain: (Result) -> Void, dev takeDev: (Result) -> Void
    ) throws(CorpusError) {
        func read(_ example: LabelledExamples.Example) -> Result { transform(example.text) }
        try train.corpus.forEachPart(rows.parts, read) { (result, part) throws(CorpusError) in
            switch part {
            case .train: takeTrain(result)
            case .dev: takeDev(result)
            case .dropped: break
            }
        }
        guard let dev else { return }
        let parts = [Part](repeating: .dev, count: dev.count)
        try dev.corpus.forEachPart(parts, read) { (result, _) throws(CorpusError) in takeDev(result) }
    }

    /// Where the dev examples come from.
    public var devFile: FilePath { (dev ?? train).file }

    /// Some of the dev examples, by their index, read again.
    public func devExamples(_ wanted: Set<Int>) throws(CorpusError) -> [Int: LabelledExamples.Example] {
        guard !wanted.isEmpty else { return [:] }
        var found: [Int: LabelledExamples.Example] = [:]
        var (row, index) = (0, 0)
        func unchanged(_ example: LabelledExamples.Example) -> LabelledExamples.Example { example }
        try (dev ?? train).corpus.forEachWindow(unchanged) { (window) throws(CorpusError) in
            for example in window {
                defer { row += 1 }
                if isSplit, row >= rows.parts.count || rows.parts[row] != .dev { continue }
                if wanted.contains(index) { found[index] = example }
                index += 1
            }
        }
        return found
    }

    /// What is learned from, tokenized.
    public struct Tokenized: Sendable {
        public private(set) var train: FineTuning.Examples
        public let dev: FineTuning.Examples?
        /// How many texts of all the files are longer than the classifier takes.
        public let cut: Int
        /// The part of each of `train`'s examples in a cross-validation.
        let foldNumbers: [Int16]?

        /// From now on the training texts are changed a little in each epoch. The texts to measure on never are.
        public mutating func augment(
            _ augmentation: Augmentation, swapped: TokenizedTexts?, tokenizer: Tokenizer, seed: UInt64
        ) {
            let texts = train.texts.augmented(
                by: augmentation, swapped: swapped, special: tokenizer.placeholders, seed: seed)
            train = FineTuning.Examples(texts: texts, targets: train.targets)
        }

        /// For each fold of a cross-validation the examples that it learns from, and those that it is measured on.
        public var folds: [(train: [Int], dev: [Int])] {
            guard let foldNumbers, let last = foldNumbers.max() else { return [] }
            return (0...last).map { fold in
                (
                    foldNumbers.indices.filter { foldNumbers[$0] != fold },
                    foldNumbers.indices.filter { foldNumbers[$0] == fold }
                )
            }
        }
    }

    /// Tokenizes all texts, on all threads, as the classifier reads them.
    ///
    /// - Parameter directory: has room for the tokens, which are kept there in files without names.
    public func tokenized(
        for classifier: SequenceClassifier, keepingTokensIn directory: FilePath
    ) throws(CorpusError) -> Tokenized {
        func rows(_ part: Part) -> [Int] { self.rows.parts.indices.filter { self.rows.parts[$0] == part } }
        let files = try train.corpus.tokenized(for: classifier, in: directory, parts: self.rows.parts)
        let targets = rows(.train).count == train.count ? self.rows.targets : self.rows.targets.gather(rows(.train))
        var held: FineTuning.Examples?
        var cut = files.cut
        if isSplit, let devTargets {
            held = FineTuning.Examples(texts: files.dev, targets: devTargets)
        } else if let dev, let devTargets {
            let all = [Part](repeating: .train, count: dev.count)
            let files = try dev.corpus.tokenized(for: classifier, in: directory, parts: all)
            held = FineTuning.Examples(texts: files.train, targets: devTargets)
            cut += files.cut
        }
        return Tokenized(
            train: FineTuning.Examples(texts: files.train, targets: targets), dev: held, cut: cut,
            foldNumbers: self.rows.folds.map { folds in rows(.train).map { folds[$0] } })
    }
}

extension Corpus {
    /// Goes through all examples again, in order.
    ///
    /// - Parameter parts: where each example goes, as many as there were when the file was read before.
    func forEachPart<Result>(
        _ parts: [FineTuningData.Part], _ transform: (LabelledExamples.Example) -> Result,
        _ body: (Result, FineTuningData.Part) throws(CorpusError) -> Void
    ) throws(CorpusError) {
        var index = 0
        try forEachWindow(transform) { (window) throws(CorpusError) in
            for result in window {
                guard index < parts.count else { throw .changed(self.file) }
                try body(result, parts[index])
                index += 1
            }
        }
        if index != parts.count { throw .changed(file) }
    }

    /// The texts as tokens in files without names, and how many were cut.
    ///
    /// - Parameter parts: where each example goes, as many as there were when the file was read before.
    func tokenized(
        for classifier: SequenceClassifier, in directory: FilePath, parts: [FineTuningData.Part]
    ) throws(CorpusError) -> (train: TokenizedTexts, dev: TokenizedTexts, cut: Int) {
        let (tokenizer, maxLength) = (classifier.tokenizer, classifier.maxLength)
        func tokens(_ example: LabelledExamples.Example) -> (TokenizedText, isCut: Bool) {
            // One more than fits tells whether a text is cut.
            let text = TokenizedText(example.text, pair: example.pair, tokenizer, maxLength: maxLength + 1)
            guard text.count > maxLength else { return (text, false) }
            return (TokenizedText(example.text, pair: example.pair, tokenizer, maxLength: maxLength), true)
        }
        var cut = 0
        func open() throws(CorpusError) -> TokenFileWriter {
            do throws(CheckpointError) { return try TokenFileWriter(in: directory) } catch { throw .tokens(error) }
        }
        func finish(_ writer: consuming TokenFileWriter) throws(CorpusError) -> TokenizedTexts {
            do throws(CheckpointError) { return TokenizedTexts(try writer.finish()) } catch { throw .tokens(error) }
        }
        var train = try open()
        var dev = try open()
        try forEachPart(parts, tokens) { (result, part) throws(CorpusError) in
            do throws(CheckpointError) {
                switch part {
                case .train: try train.append(result.0)
                case .dev: try dev.append(result.0)
                case .dropped: break
                }
            } catch { throw .tokens(error) }
            if result.isCut, part != .dropped { cut += 1 }
        }
        return (try finish(train), try finish(dev), cut)
    }
}
