public import ArgumentParser
import Checkpoints
import FoundationEssentials
import Glibc
import JSON
import SystemPackage
public import Tasks
import Tensors

struct FineTune: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract: "Train a classifier or a regression on labelled texts.",
        discussion: """
            Reads TSV, CSV or JSON Lines with the columns text (or sentence) and label (or labels, or score). A text \
            has one label, a set of labels ("joy,surprise"; in JSON also ["joy","surprise"]), or a number (in JSON \
            also several). After each epoch the classifier is measured on the dev set, by accuracy, micro-F1 or \
            squared error; the best weights are kept and written to the output, a directory that transformers loads \
            too. The last line of standard output is a JSON record of the result.

            Example: graft finetune all-MiniLM-L6-v2 --train train.tsv --dev dev.tsv --output reviews/
            """)

    @OptionGroup var model: ModelArgument

    @Option(help: "The examples to learn from.", completion: .file())
    var train: String

    @Option(
        help: "The examples to choose the best epoch by (default: none; the last epoch is kept).", completion: .file())
    var dev: String?

    @Option(help: "The directory to write; it must not exist.", completion: .directory)
    var output: String

    @Option(
        help: """
            What the labels are: \(ProblemType.allCases.map(\.rawValue).joined(separator: ", ")) (default: what they \
            look like, which is said).
            """)
    var problemType: ProblemType?

    @Option(
        help: """
            What learns: the head alone (head), everything (full), the head and the top layers (top-k), one more layer \
            each epoch (gradual), or the biases (bitfit).
            """)
    var method = FineTuning.Method.full

    @Option(
        help: "How often all examples are seen (default: 3 for full and top-k, 5 for gradual and bitfit, 20 for head).")
    var epochs: Int?

    @Option(
        help:
            "The peak of the learning rate (default: 5e-5 for full, 1e-4 for top-k, 2e-4 for gradual, 1e-3 for head and bitfit)."
    )
    var learningRate: Double?

    @Option(help: "Examples a step (default: 32).")
    var batchSize: Int?

    @Option(help: "Cut texts after this many tokens (default: as the model says).")
    var maxLength: Int?

    @Flag(help: "Compute activations again instead of keeping them: less memory for long texts, a third more work.")
    var recompute = false

    @Option(help: "Starts the random numbers: same seed, same result.")
    var seed: UInt64 = 42

    @OptionGroup(title: "The run") var runOptions: RunOptions
    @OptionGroup(title: "Optimization") var optimization: OptimizationOptions
    @OptionGroup(title: "Objective") var objective: ObjectiveOptions
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
        if output.isEmpty { throw ValidationError("--output is empty; expected a directory to write.") }
        if seed > UInt64(Int.max) { throw ValidationError("--seed is \(seed); expected at most \(Int.max).") }
        if precision.precision == .int8, method != .head {
            throw ValidationError("--precision int8 is for inference and --method head; use f32 or bf16.")
        }
        if recompute, method == .head {
            throw ValidationError("--recompute is for --method full; the head's method keeps no activations.")
        }
        try objective.check(method)
        try optimization.check(method, learningRateIsGiven: learningRate != nil, asksForSteps: asksForSteps)
    }

    func run() throws {
        try reportingFailures {
            let start = monotonicSeconds()
            try threads.apply()
            _ = try precision.resolve()
            let target = FilePath(output)
            // Made and removed again: what cannot be written must not show only after the training.
            _ = try AtomicDirectory(target)
            let checkpoints = runOptions.checkpoints(beside: target)
            try checkpoints.checkPlace()
            let trainExamples = try LabelledExamples(FilePath(train), columns: columns.columns)
            let devExamples = try dev.map { try LabelledExamples(FilePath($0), columns: columns.columns) }
            let problem = problemType ?? trainExamples.likelyProblem
            let labels = try objective.order(trainExamples.headLabels(for: problem))
            let trainTargets = try trainExamples.targets(labels, for: problem)
            let devTargets = try devExamples?.targets(labels, for: problem)

            var configuration = fineTuningConfiguration
            try objective.set(
                &configuration.optimization, labels: labels, targets: trainTargets, problem: problem)
            let classifier = try SequenceClassifier(
                pretrained: model.resolve(), labels: labels, problem: problem,
                meanLayer: method == .head && optimization.meanLayer, dropout: configuration.optimization.dropout,
                random: RandomSource(seed: seed))
            try classifier.limit(to: maxLength, pairs: columns.pairColumn != nil)
            if !classifier.initialized.isEmpty {
                StandardError.note("the model has no pooler; it starts from random numbers")
            }
            if columns.pairColumn != nil, !classifier.acceptsPairs {
                throw ValidationError("--pair-column: the model has one token type and takes single texts.")
            }
            let training = FineTuning.Examples(trainExamples, trainTargets, classifier)
            var development: FineTuning.Examples?
            if let devExamples, let devTargets {
                development = FineTuning.Examples(devExamples, devTargets, classifier)
            }
            let guess = problemType == nil && problem != .singleLabel ? " by the look of the labels" : ""
            StandardError.note(
                "\(training.texts.count) training examples, \(problem.description(labels: labels.count))"
                    + "\(guess), method \(method.rawValue), "
                    + "\(MatrixEngine.current.rawValue), \(ThreadPool.shared.threads) threads")

            var progress = FineTuningProgress()
            defer { progress.end() }
            let tuning = try FineTuning(
                classifier, configuration, keepingBestIn: target.lexicallyNormalized().removingLastComponent())
            _ = try Signals.catchInterruption(SIGINT, SIGTERM)
            let outcome = try tuning.run(
                train: training, dev: development, checkpoints: checkpoints,
                isInterrupted: { Signals.isInterrupted }
            ) { progress.show($0) }
            progress.end()
            let record = FineTuningRecord(
                classifier: classifier, configuration: configuration, outcome: outcome, model: model.model,
                train: trainExamples, dev: devExamples)
            try tuning.deliver { () throws(CheckpointError) in
                try classifier.write(to: target, record: record.object)
            }
            var line = JSONWriter()
            line.write(
                record.summary(
                    output: output, seconds: monotonicSeconds() - start, peakMemoryMB: peakMemoryMB))
            line.endLine()
            try StandardOutput.print(String(decoding: line.bytes, as: UTF8.self), terminator: "")
        }
    }

    private var asksForSteps: Bool {
        epochs != nil || learningRate != nil || batchSize != nil || objective.needsSteps
    }

    private var fineTuningConfiguration: FineTuning.Configuration {
        var configuration = FineTuning.Configuration(method: method, seed: seed)
        if let epochs { configuration.epochs = epochs }
        if let learningRate { configuration.learningRate = learningRate }
        if let batchSize { configuration.batchSize = batchSize }
        configuration.patience = runOptions.patience
        configuration.evaluationSteps = runOptions.evaluateEvery
        configuration.optimization = optimization.optimization(asksForSteps: asksForSteps)
        if let weightDecay = optimization.weightDecay { configuration.weightDecay = weightDecay }
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
