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
        abstract: "Train a classifier, a regression or a tagger on labelled texts.",
        discussion: """
            Reads TSV, CSV, JSON, fastText's lines, GLUE's folders or a folder for each class, gzipped or not, and says \
            which columns it takes (docs/data.md). A text has one label, a set of labels ("joy,surprise"; in JSON also \
            ["joy","surprise"]), or a number (in JSON also several). After each epoch the classifier is measured on the dev set, by accuracy, micro-F1 or \
            squared error; the best weights (of little data the last ones, --keep) are written to the output, a directory that transformers loads \
            too. With --problem-type token_classification every word has a tag, such as B-PER: CoNLL's columns, or JSON \
            lines with "tokens" and "tags"; what is measured is the F1 of the entities. The last line of standard output is a JSON record of the result.

            The model may also be word vectors (a file of GloVe's, word2vec's, fastText's or Graft's own, or a spaCy \
            pipeline's folder): then a linear classifier learns on them in seconds, as fastText's does, and the vectors with it (docs/word-vectors.md).

            Example: graft finetune all-MiniLM-L6-v2 --train train.tsv --dev dev.tsv --output reviews/
            """)

    @OptionGroup var model: ModelArgument

    @Option(help: "The directory to write; it must not exist.", completion: .directory)
    var output: String?

    @Option(
        help: """
            What the labels are: \(TrainingTask.allValueStrings.joined(separator: ", ")) (default: what they look like, \
            which is said).
            """)
    var problemType: TrainingTask?

    @Option(
        help: """
            What learns: the head alone (head), the encoder from pairs of a few examples and then the head (fewshot), \
            everything (full), the head and the top layers (top-k), one more layer \
            each epoch (gradual), the biases (bitfit), or an adapter: low-rank updates (lora), factors (ia3), vectors \
            before the words (prompt) or before every layer's keys and values (prefix), which PEFT loads too; \
            bottlenecks behind the layers' halves (pfeiffer, houlsby, compacter, compacter++) or beside them (parallel), \
            and what fuses several of these (fusion), which AdapterHub's library loads too.
            """)
    var method = FineTuning.Method.full

    // The recipe, where the user says nothing.

    @Option(help: "How often all examples are seen (default: the fewer there are, the oftener; docs/recipes.md).")
    var epochs: Int?

    @Option(help: "The peak of the learning rate (default: by the method and the size of the model).")
    var learningRate: Double?

    @Option(help: "Examples a step (default: 32, of fewer than 4,000 examples 16).")
    var batchSize: Int?

    @Option(help: "Cut texts after this many tokens (default: as the model says).")
    var maxLength: Int?

    @Flag(help: "Compute activations again instead of keeping them: less memory for long texts, a third more work.")
    var recompute = false

    @Option(help: "Starts the random numbers: same seed, same result.")
    var seed: UInt64 = 42

    @Option(
        help: """
            The numbers that the encoder multiplies while it learns, f32 or bf16; weights, gradients and sums are f32 \
            always (default: bf16 where the processor multiplies it, else f32; f32 for --method head, which alone takes \
            int8).
            """)
    var precision: Precision?

    @OptionGroup var threads: ThreadOption

    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Columns and labels") var columns: ColumnOptions
    @OptionGroup(title: "Augmentation") var augmentation: AugmentationOptions
    @OptionGroup(title: "Optimization") var optimization: OptimizationOptions
    @OptionGroup(title: "Objective") var objective: ObjectiveOptions
    @OptionGroup(title: "Adapters") var adapter: AdapterOptions
    @OptionGroup(title: "Bottleneck adapters") var bottlenecks: BottleneckOptions
    @OptionGroup(title: "A few examples") var fewShot: FewShotOptions
    @OptionGroup(title: "Word vectors") var words: WordVectorOptions
    @OptionGroup(title: "Looking for settings") var searches: SearchOptions
    @OptionGroup(title: "The run") var runOptions: RunOptions
    @OptionGroup(title: "Reports") var reports: ReportOptions

    func validate() throws {
        try checkMaxLength(maxLength)
        if let epochs, !(1...10_000).contains(epochs) {
            throw ValidationError("--epochs is \(epochs); expected 1 to 10000.")
        }
        if let batchSize, batchSize < 1 { throw ValidationError("--batch-size is \(batchSize); expected at least 1.") }
        if objective.mixup > 0, batchSize == 1 { throw ValidationError("--mixup needs two texts in a batch.") }
        if let learningRate, !(learningRate > 0 && learningRate < 1) {
            throw ValidationError("--learning-rate is \(learningRate); expected a number between 0 and 1.")
        }
        if output == nil, !data.checkData, data.folds == nil {
            throw ValidationError("--output is missing; expected a directory to write.")
        }
        if output == "" { throw ValidationError("--output is empty; expected a directory to write.") }
        if let output {
            try reports.check(output)
        } else {
            try refuse(reports.given) { "\($0) is for a model that is written; name a directory with --output." }
        }
        if seed > UInt64(Int.max) { throw ValidationError("--seed is \(seed); expected at most \(Int.max).") }
        try fewShot.check(self)
        if precision == .int8, method != .head {
            throw ValidationError("--precision int8 is for inference and --method head; use f32 or bf16.")
        }
        if augmentation.augment != nil, method == .head {
            throw ValidationError(
                "--augment does not go with --method head, which computes the texts' features once.")
        }
        if recompute, method == .head {
            throw ValidationError(
                "--recompute is for methods that train the encoder; --method head keeps no activations.")
        }
        if problemType == .tokens { try checkTagging() }
        try bottlenecks.check(method)
        try adapter.check(method)
        try objective.check(method, dropsInAdapter: adapter.adapterDropout ?? 0 > 0)
        try optimization.check(method, learningRateIsGiven: learningRate != nil, asksForSteps: asksForSteps)
        if searches.search != nil, data.noDev || data.folds != nil {
            throw ValidationError("--search chooses by a dev set; leave --no-dev and --folds out.")
        }
        let unused =
            runOptions.givenForDev
            + given([
                "--schedule": optimization.schedule != nil, "--warmup": optimization.warmup != nil,
                "--checkpoint-every": runOptions.checkpointEvery != nil, "--keep last": runOptions.keep == .last,
                "--average-weights": objective.averageWeights != nil,
            ]) + reports.given
        if searches.findLearningRate {
            try refuse(unused) { "--find-learning-rate does not train: leave \($0) out." }
        }
        if data.noDev || data.folds != nil {
            try refuse(runOptions.givenForDev) { "\($0) needs a dev set; leave --no-dev and --folds out." }
        }
        if searches.findLearningRate, output == nil {
            throw ValidationError("--find-learning-rate writes a plot; name a directory with --output.")
        }
        if searches.findLearningRate, data.folds != nil || runOptions.resume {
            throw ValidationError("--find-learning-rate does not train: leave --folds and --resume out.")
        }
        if searches.findLearningRate || searches.search != nil, optimization.optimizer == .adafactorRelative {
            throw ValidationError("--optimizer adafactor-relative chooses its own rates: there are none to look for.")
        }
        if data.folds != nil, runOptions.resume {
            throw ValidationError(
                "--folds and --resume: a cross-validation does not go on. Leave --folds out to go on with the model's "
                    + "own training.")
        }
        if searches.search != nil, runOptions.resume {
            throw ValidationError(
                "--search and --resume: a search does not go on. Give the settings that it chose, and --resume.")
        }
    }

    /// `nil` where it is to be seen from the labels.
    var problem: ProblemType? { if case .texts(let problem) = problemType { problem } else { nil } }

    var asksForSteps: Bool {
        epochs != nil || learningRate != nil || batchSize != nil || runOptions.evaluateEvery != nil
            || objective.needsSteps
    }
}

extension FineTuning.Method: ExpressibleByArgument {}

extension ProblemType {
    func description(labels: Int) -> String {
        switch self {
        case .singleLabel: "one of \(labels) labels each"
        case .multiLabel: "any of \(labels) labels each"
        case .regression: labels == 1 ? "a number each" : "\(labels) numbers each"
        }
    }
}
