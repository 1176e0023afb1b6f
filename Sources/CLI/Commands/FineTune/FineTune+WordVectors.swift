import ArgumentParser
import Checkpoints
import Embeddings
import FoundationEssentials
import JSON
import SystemPackage
import Tasks
import Tensors

/// How a classifier reads texts, where it learns on word vectors.
struct WordVectorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Runs of up to so many words have vectors of their own; 1 for words alone (default: 2).", valueName: "n"))
    var wordNgrams: Int?

    @Option(
        help: ArgumentHelp(
            """
            How many vectors runs of words share (default: as many as there are different ones, up to 2000000; where the \
            word vectors have n-grams, theirs).
            """, valueName: "n"))
    var buckets: Int?

    @Flag(
        help: """
            Take as words what stands between blanks, as fastText does (default: Unicode's rules, in lower case where \
            the vectors' words are).
            """)
    var splitAtBlanks = false

    func validate() throws {
        if let wordNgrams { try require(1...10 ~= wordNgrams, "--word-ngrams", wordNgrams, "1 to 10") }
        if let buckets { try require(1...100_000_000 ~= buckets, "--buckets", buckets, "1 to 100000000") }
    }

    /// Refuses them for other models.
    func refuse() throws {
        try CLI.refuse([
            "--word-ngrams": wordNgrams != nil, "--buckets": buckets != nil, "--split-at-blanks": splitAtBlanks,
        ]) { "\($0) is for a file of word vectors in the model's place." }
    }
}

/// `finetune` with word vectors: a file, or a spaCy pipeline's folder.
extension FineTune {
    /// Refuses what only transformers are trained with.
    private func checkWordVectors() throws {
        let options = given([
            "--method \(method.rawValue)": method != .full, "--problem-type": problemType == .tokens,
            "--problem-type regression": problem == .regression, "--batch-size": batchSize != nil,
            "--max-length": maxLength != nil, "--recompute": recompute,
            "--precision": precision != nil, "--augment": augmentation.augment != nil,
            "--search": searches.search != nil, "--find-learning-rate": searches.findLearningRate,
            "--resume": runOptions.resume, "--evaluate-every": runOptions.evaluateEvery != nil,
            "--keep best": runOptions.keep == .best, "--patience": runOptions.patience != nil,
            "--checkpoint-every": runOptions.checkpointEvery != nil,
        ])
        try refuse(options + optimization.given + objective.given) {
            "\($0) is for transformers; \(model.model) holds word vectors."
        }
    }

    func trainOnWordVectors(_ file: FilePath) throws {
        try checkWordVectors()
        let start = monotonicSeconds()
        threads.request()
        if self.data.checkData {
            let data = try self.data.load(columns, problem: problem, seed: seed)
            return try StandardOutput.print(line: .object(data.report))
        }
        let target = output.map { FilePath($0) }
        if let target { _ = try AtomicDirectory(target) }
        let vectors = try WordVectors(file)
        StandardError.note("\(file): \(vectors.summary)")
        let data = try self.data.load(columns, problem: problem, seed: seed)
        try refuse(
            data.problem == .regression,
            "the labels are numbers, which word vectors do not learn; for labels that are "
                + "numbers use --problem-type single_label_classification.")
        try refuse(
            data.hasPairs,
            "the data has pairs of texts; word vectors take single texts: choose one with --text-column, or "
                + "join them with --text-template.")
        let splitting = try WordSplitting(words.splitAtBlanks ? .blanks : vectors.suitableRule)
        let configuration = classifierConfiguration(data)
        let validation = try crossValidate(data) { fold in
            try WordVectorFineTuning(vectors, splitting, fold, configuration)
        }
        guard let target else { return }
        let tuning = try WordVectorFineTuning(vectors, splitting, data, configuration)
        describe(data, tuning, splitting)

        let logs = try reports.logs(for: target, resumes: false)
        let outcome = try logs.following { (isInterrupted, report) throws(FineTuning.Failure) in
            try tuning.run(isInterrupted: isInterrupted, report: report)
        }
        let record = try tuning.write(
            to: target, model: model.model, outcome, history: logs.history,
            facts: reports.facts(outcome, seconds: monotonicSeconds() - start))
        try logs.settle(in: target)
        var summary = record.summary(
            output: target.string, seconds: monotonicSeconds() - start, peakMemoryMB: peakMemoryMB)
        if let validation { summary.append("crossValidation", validation) }
        try StandardOutput.print(line: .object(summary))
    }

    private func classifierConfiguration(_ data: FineTuningData) -> WordClassifierConfiguration {
        var configuration = WordClassifierConfiguration(examples: data.trainCount)
        configuration.epochs = epochs ?? configuration.epochs
        configuration.learningRate = learningRate ?? configuration.learningRate
        configuration.wordNgrams = words.wordNgrams ?? configuration.wordNgrams
        configuration.buckets = words.buckets
        configuration.seed = seed
        return configuration
    }

    private func describe(_ data: FineTuningData, _ tuning: WordVectorFineTuning, _ splitting: WordSplitting) {
        let guess = problemType == nil && data.problem != .singleLabel ? " by the look of the labels" : ""
        StandardError.note(
            "\(data.trainCount.counted("training example")), "
                + "\(data.problem.description(labels: data.labels.count))\(guess), "
                + "\(splitting.rule), \(fixed(100 * tuning.coverage, 1)) % of them with a vector")
        let configuration = tuning.training.configuration
        StandardError.note(
            "\(configuration.epochs.counted("epoch")), learning rate \(configuration.learningRate), "
                + "runs of up to \(configuration.wordNgrams.counted("word")), \(tuning.training.trainedRows) vectors "
                + "learn"
        )
    }
}
