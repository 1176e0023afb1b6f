public import ArgumentParser
import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
public import Tasks
import Tensors

struct FineTune: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract: "Train a classifier or a regression on labelled texts.",
        discussion: """
            Reads TSV, CSV, JSON, fastText's lines, GLUE's folders or a folder for each class, gzipped or not, and says \
            which columns it takes (docs/data.md). A text has one label, a set of labels ("joy,surprise"; in JSON also ["joy","surprise"]), or a number (in JSON \
            also several). After each epoch the classifier is measured on the dev set, by accuracy, micro-F1 or \
            squared error; the best weights are kept and written to the output, a directory that transformers loads \
            too. The last line of standard output is a JSON record of the result.

            Example: graft finetune all-MiniLM-L6-v2 --train train.tsv --dev dev.tsv --output reviews/
            """)

    @OptionGroup var model: ModelArgument

    @OptionGroup var data: DataOptions
    @OptionGroup var augmentation: AugmentationOptions

    @Option(help: "The directory to write; it must not exist.", completion: .directory)
    var output: String?

    @Option(
        help: """
            What the labels are: \(ProblemType.allCases.map(\.rawValue).joined(separator: ", ")) (default: what they \
            look like, which is said).
            """)
    var problemType: ProblemType?

    @Option(help: "What learns: the head alone (head), or everything (full).")
    var method = FineTuning.Method.full

    @Option(help: "How often all examples are seen (default: 3 for full, 20 for head).")
    var epochs: Int?

    @Option(help: "The peak of the learning rate (default: 5e-5 for full, 1e-3 for head).")
    var learningRate: Double?

    @Option(help: "Examples a step (default: 32).")
    var batchSize: Int?

    @Option(help: "Cut texts after this many tokens (default: as the model says).")
    var maxLength: Int?

    @Flag(help: "Compute activations again instead of keeping them: less memory for long texts, a third more work.")
    var recompute = false

    @Option(help: "Stop after this many epochs without a better dev score.")
    var patience = 3

    @Option(help: "Starts the random numbers: same seed, same result.")
    var seed: UInt64 = 42

    @OptionGroup var precision: PrecisionOption
    @OptionGroup var columns: ColumnOptions
    @OptionGroup var threads: ThreadOption

    func validate() throws {
        try checkMaxLength(maxLength)
        if let epochs, !(1...10_000).contains(epochs) {
            throw ValidationError("--epochs is \(epochs); expected 1 to 10000.")
        }
        if let batchSize, batchSize < 1 { throw ValidationError("--batch-size is \(batchSize); expected at least 1.") }
        if let learningRate, !(learningRate > 0 && learningRate < 1) {
            throw ValidationError("--learning-rate is \(learningRate); expected a number between 0 and 1.")
        }
        if output == nil, !data.checkData, data.folds == nil {
            throw ValidationError("--output is missing; expected a directory to write.")
        }
        if output == "" { throw ValidationError("--output is empty; expected a directory to write.") }
        if seed > UInt64(Int.max) { throw ValidationError("--seed is \(seed); expected at most \(Int.max).") }
        if precision.precision == .int8, method != .head {
            throw ValidationError("--precision int8 is for inference and --method head; use f32 or bf16.")
        }
        if augmentation.augment != nil, method == .head {
            throw ValidationError(
                "--augment is for --method full; the head's method computes the texts' features once.")
        }
        if recompute, method == .head {
            throw ValidationError("--recompute is for --method full; the head's method keeps no activations.")
        }
        if patience < 1 { throw ValidationError("--patience is \(patience); expected at least 1.") }
    }

    func run() throws {
        try reportingFailures {
            let start = monotonicSeconds()
            if self.data.checkData {
                threads.request()
                let data = try self.data.load(columns, problem: problemType, seed: seed)
                return try StandardOutput.print(line: .object(data.report))
            }
            try threads.apply()
            _ = try precision.resolve()
            let target = output.map { FilePath($0) }
            // Made and removed again: what cannot be written must not show only after the training.
            if let target { _ = try AtomicDirectory(target) }
            let data = try self.data.load(columns, problem: problemType, seed: seed)
            let configuration = fineTuningConfiguration
            let classifier = try newClassifier(data)
            if !classifier.initialized.isEmpty {
                StandardError.note("the model has no pooler; it starts from random numbers")
            }
            if data.hasPairs, !classifier.acceptsPairs {
                throw ValidationError(
                    "the data has pairs of texts; the model has one token type and takes single texts: "
                        + "choose one with --text-column, or join them with --text-template.")
            }
            let directory =
                target?.lexicallyNormalized().removingLastComponent()
                ?? FilePath(FileManager.default.temporaryDirectory.path())
            let swaps = try augmentation.wordSwaps(model)
            var examples = try data.tokenized(for: classifier, keepingTokensIn: directory)
            if examples.cut > 0 {
                StandardError.note(
                    "\(examples.cut) texts are longer than \(classifier.maxLength) tokens and are cut (--max-length)")
            }
            try augmentation.apply(swaps, to: &examples, classifier, seed: seed, keepingTokensIn: directory)
            let guess = problemType == nil && data.problem != .singleLabel ? " by the look of the labels" : ""
            StandardError.note(
                "\(examples.train.texts.count) training examples, \(data.problem.description(labels: data.labels.count))"
                    + "\(guess), method \(method.rawValue), "
                    + "\(MatrixEngine.current.rawValue), \(ThreadPool.shared.threads) threads")

            let validation = try crossValidate(data, examples, configuration, directory)
            guard let target else { return }

            var progress = FineTuningProgress()
            let outcome = try FineTuning(
                classifier, configuration, keepingBestIn: directory
            ).run(train: examples.train, dev: examples.dev) { progress.show($0) }
            progress.end()
            let record = FineTuningRecord(
                classifier: classifier, configuration: configuration, outcome: outcome, model: model.model,
                data: data)
            try classifier.write(to: target, record: record.object)
            var summary = record.summary(
                output: target.string, seconds: monotonicSeconds() - start, peakMemoryMB: peakMemoryMB)
            if let validation { summary.append("crossValidation", validation) }
            try StandardOutput.print(line: .object(summary))
        }
    }

    /// The pretrained model with a new head.
    func newClassifier(_ data: FineTuningData) throws -> SequenceClassifier {
        let classifier = try SequenceClassifier(
            pretrained: model.resolve(), labels: data.labels, problem: data.problem, random: RandomSource(seed: seed))
        try classifier.limit(to: maxLength, pairs: data.hasPairs)
        return classifier
    }

    private var fineTuningConfiguration: FineTuning.Configuration {
        var configuration = FineTuning.Configuration(method: method, seed: seed)
        if let epochs { configuration.epochs = epochs }
        if let learningRate { configuration.learningRate = learningRate }
        if let batchSize { configuration.batchSize = batchSize }
        configuration.patience = patience
        configuration.recomputesActivations = recompute
        configuration.precision = precision.precision
        return configuration
    }
}

extension FineTuning.Method: ExpressibleByArgument {}
extension ProblemType: ExpressibleByArgument {}

extension ProblemType {
    func description(labels: Int) -> String {
        switch self {
        case .singleLabel: "one of \(labels) labels each"
        case .multiLabel: "any of \(labels) labels each"
        case .regression: labels == 1 ? "a number each" : "\(labels) numbers each"
        }
    }
}
