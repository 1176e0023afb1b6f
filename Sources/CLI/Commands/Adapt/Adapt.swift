import ArgumentParser
import Tasks
import Tensors

struct Adapt: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a sentence encoder on your own texts.",
        discussion: """
            Reads TSV, CSV or JSON with texts side by side, and says which columns it takes: anchor, positive and \
            negative, or text_a, text_b and a score or a label, or one text, with a label or alone; or those that \
            --text-columns and --label-column name (docs/sentence-encoders.md). After each epoch the vectors are \
            measured on --dev, by what that file has; the best weights are kept and written to the output, a directory that sentence-transformers loads too. The last line of standard output is a JSON record of the \
            result.

            Example: graft adapt all-MiniLM-L6-v2 --loss mnr --train pairs.tsv --dev dev.tsv --output ours/
            """)

    @OptionGroup var model: ModelArgument

    @Option(help: "The texts to learn from: TSV, CSV or JSON, gzipped or not.", completion: .file())
    var train: String

    @Option(help: "The texts to choose the best epoch by (default: the last epoch is kept).", completion: .file())
    var dev: String?

    @Option(help: "The directory to write; it must not exist.", completion: .directory)
    var output: String

    @OptionGroup(title: "What is learned") var objective: SentenceObjectiveOptions

    @Option(help: "How often all examples are seen.")
    var epochs = 1

    @Option(help: "The peak of the learning rate.")
    var learningRate = 2e-5

    @Option(help: "Examples a step.")
    var batchSize = 32

    @Option(help: "Cut texts after this many tokens (default: as the model says).")
    var maxLength: Int?

    @Option(help: "Starts the random numbers: same seed, same result.")
    var seed: UInt64 = 42

    @Flag(
        help: """
            Encode each batch twice, the first time without keeping anything for the backward pass: the same gradients, \
            a third more work, and memory that does not grow with the batch.
            """)
    var cached = false

    @Option(help: "How strongly weights shrink, those of biases and normalizations aside.")
    var weightDecay: Float = 0

    @Option(
        help: ArgumentHelp(
            "How long the learning rate rises: a share of all steps below 1, or a number of steps.",
            valueName: "share|steps"))
    var warmup = "0.1"

    @Option(help: "Scale gradients down to this norm; 0 leaves them as they are.")
    var maxGradientNorm = 1.0

    @Option(help: "The share of activations that training drops (default: the model's).")
    var dropout: Float?

    @Option(
        help: """
            The numbers that the encoder multiplies while it learns; weights, gradients and sums are f32 always \
            (default: bf16 where the processor multiplies it, else f32).
            """)
    var precision: TrainingPrecision?

    @OptionGroup var threads: ThreadOption
    @OptionGroup(title: "Hard negatives") var negatives: HardNegativeOptions
    @OptionGroup(title: "Columns") var columns: SentenceColumnOptions
    @OptionGroup(title: "The run") var runOptions: RunOptions
    @OptionGroup(title: "Reports") var reports: ReportOptions

    func validate() throws {
        try checkMaxLength(maxLength)
        try require((1...10_000).contains(epochs), "--epochs", epochs, "1 to 10000")
        try require(learningRate > 0 && learningRate < 1, "--learning-rate", learningRate, "a number between 0 and 1")
        try require(batchSize >= 2, "--batch-size", batchSize, "at least 2")
        try require((0..<1).contains(weightDecay), "--weight-decay", weightDecay, "0 to below 1")
        try require(warmupValue != nil, "--warmup", warmup, "a share below 1, as in 0.1, or a number of steps")
        try requireAtLeastZero(maxGradientNorm, "--max-gradient-norm")
        if let dropout { try require((0..<1).contains(dropout), "--dropout", dropout, "0 to below 1") }
        if output.isEmpty { throw ValidationError("--output is empty; expected a directory to write.") }
        try reports.check(output)
        if seed > UInt64(Int.max) { throw ValidationError("--seed is \(seed); expected at most \(Int.max).") }
        if dev == nil {
            try refuse(runOptions.givenForDev) { "\($0) needs examples to measure on: give --dev." }
        }
        try objective.check(batchSize: batchSize)
        try negatives.check(objective.loss)
    }

    var warmupValue: Optimization.Warmup? { Optimization.Warmup(warmup) }

    /// What the flags say. After the engine is loaded.
    func trainingConfiguration() throws -> SentenceTraining.Configuration {
        var configuration = SentenceTraining.Configuration(objective.objective)
        configuration.epochs = epochs
        configuration.learningRate = learningRate
        configuration.batchSize = batchSize
        configuration.seed = seed
        configuration.weightDecay = weightDecay
        configuration.precision = try .forTraining(precision?.precision)
        configuration.warmup = warmupValue ?? .ratio(0.1)
        configuration.maxGradientNorm = maxGradientNorm
        configuration.cachesGradients = cached
        configuration.evaluationSteps = runOptions.evaluateEvery
        configuration.keeps = runOptions.keep ?? (dev == nil ? .last : .best)
        configuration.patience = runOptions.patience ?? configuration.patience
        return configuration
    }
}

/// The numbers that an encoder can learn with.
enum TrainingPrecision: String, CaseIterable, ExpressibleByArgument {
    case f32, bf16

    var precision: Precision {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        }
    }
}
