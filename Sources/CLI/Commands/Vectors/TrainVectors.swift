public import ArgumentParser
import Checkpoints
public import Embeddings
import JSON
import SystemPackage
import Tasks

struct TrainVectors: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Train word vectors on a text: skip-gram or CBOW with negative sampling and n-grams.",
        discussion: """
            Words are what stands between blanks: separate punctuation and choose the case before. The defaults are \
            fastText's. The same text and seed give the same file whatever the number of threads.

            Example: graft vectors train corpus.txt vectors.gwv --epochs 5
            """)

    @Argument(help: "A text in UTF-8.", completion: .file())
    var text: String

    @Argument(help: "The file to write; it must not exist.", completion: .file())
    var output: String

    @Option(
        help: """
            How it is written: \(WordVectors.OutputFormat.allCases.map(\.rawValue).joined(separator: ", ")). \
            graft and fasttext (a .bin) keep the n-grams.
            """)
    var to = WordVectors.OutputFormat.graft

    @Option(
        help: """
            skipgram: a word predicts its context; cbow: the context predicts a word, which is faster, and on small \
            texts learns less.
            """)
    var model = WordVectorTrainingConfiguration.Model.skipgram

    @Option(help: ArgumentHelp("Numbers of a vector.", valueName: "n"))
    var dimension = 100

    @Option(help: "How often the text is read.")
    var epochs = 5

    @Option(help: "The learning rate at the beginning; it falls to 0.")
    var learningRate: Float = 0.05

    @Option(help: ArgumentHelp("The most words of context on either side.", valueName: "n"))
    var window = 5

    @Option(help: ArgumentHelp("Words drawn at random for each right one.", valueName: "n"))
    var negatives = 5

    @Option(help: ArgumentHelp("Leave out words that stand in the text less often.", valueName: "n"))
    var minCount = 5

    @Option(help: "The share of the text from which on a word is left out now and then.")
    var subsampling = 1e-4

    @Option(help: ArgumentHelp("Shortest n-gram of letters.", valueName: "n"))
    var minLetters = 3

    @Option(help: ArgumentHelp("Longest n-gram of letters; 0 for words alone.", valueName: "n"))
    var maxLetters = 6

    @Option(help: ArgumentHelp("How many rows n-grams share.", valueName: "n"))
    var buckets = 2_000_000

    @Option(help: "The same seed gives the same vectors.")
    var seed: UInt64 = 0

    @OptionGroup var threads: ThreadOption

    func validate() throws {
        try requireFile(output, "OUTPUT")
        for (name, value, range) in [
            ("dimension", dimension, 1...4096), ("epochs", epochs, 1...10_000), ("window", window, 1...100),
            ("negatives", negatives, 1...100), ("min-count", minCount, 1...Int(Int32.max)),
            ("min-letters", minLetters, 1...100), ("max-letters", maxLetters, 0...100),
            ("buckets", buckets, 1...100_000_000),
        ] where !range.contains(value) {
            throw ValidationError(
                "--\(name) is \(value); expected \(range.lowerBound) to \(range.upperBound).")
        }
        if maxLetters > 0, minLetters > maxLetters {
            throw ValidationError("--min-letters is \(minLetters), more than --max-letters \(maxLetters).")
        }
        if !(learningRate > 0 && learningRate <= 10) {
            throw ValidationError("--learning-rate is \(learningRate); expected more than 0, up to 10.")
        }
        if !(subsampling > 0 && subsampling <= 1) {
            throw ValidationError("--subsampling is \(subsampling); expected more than 0, up to 1.")
        }
    }

    func run() throws {
        try reportingFailures {
            threads.request()
            let start = monotonicSeconds()
            try checkOutput()
            let corpus = try WordCorpus(FilePath(text), minCount: minCount)
            StandardError.note(
                "\(text): \(corpus.tokens.counted("word")), \(corpus.vocabularySize.counted("different one")) kept")
            let training = WordVectorTraining(corpus, configuration)
            var bar = ProgressBar()
            var loss = 0.0
            training.run { progress in
                loss = progress.loss
                bar.draw(progress.fraction, "loss \(fixed(loss, 4))")
            }
            bar.clear()
            let seconds = monotonicSeconds() - start
            try training.write(to, to: FilePath(output))
            try StandardOutput.print(
                line: .object([
                    "output": .string(output), "words": .integer(corpus.vocabularySize),
                    "ngramRows": .integer(training.trainedRows - corpus.vocabularySize), "loss": .number(loss),
                    "seconds": .number(seconds),
                    "wordsPerSecond": .number((Double(corpus.tokens * epochs) / seconds).rounded()),
                    "peakMemoryMB": .integer(peakMemoryMB),
                ]))
        }
    }

    /// Finds out before the text is read whether what is learned can be written.
    private func checkOutput() throws {
        try AtomicDirectory.checkAbsence(of: FilePath(output))
        // Goes again at once.
        _ = try AtomicFile(FilePath(output))
    }

    private var configuration: WordVectorTrainingConfiguration {
        var configuration = WordVectorTrainingConfiguration()
        configuration.model = model
        configuration.dimension = dimension
        configuration.epochs = epochs
        configuration.learningRate = learningRate
        configuration.window = window
        configuration.negatives = negatives
        configuration.minCount = minCount
        configuration.subsampling = subsampling
        configuration.hashing = SubwordHashing(minLength: minLetters, maxLength: maxLetters, buckets: buckets)
        configuration.seed = seed
        return configuration
    }
}

extension WordVectorTrainingConfiguration.Model: ExpressibleByArgument {}
