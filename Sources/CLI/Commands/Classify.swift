import ArgumentParser
import Checkpoints
import Tasks
import Transformer

struct Classify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give each input line a label.",
        discussion: """
            Writes one JSON record a line: {"index":0,"label":"positive","score":0.9871}, where index counts input \
            lines from 0 and score is the label's probability. A line that cannot be used gets a record with "error".

            Example: graft classify reviews/ < lines.txt
            """)

    @OptionGroup var model: ModelArgument
    @OptionGroup var stream: StreamOptions
    @OptionGroup var threads: ThreadOption
    @OptionGroup var precision: PrecisionOption

    @Flag(help: "Add the probabilities of all labels to each record.")
    var scores = false

    @Option(help: "Cut texts after this many tokens (default: as the model was trained).")
    var maxLength: Int?

    func validate() throws { try checkMaxLength(maxLength) }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let classifier = try SequenceClassifier(model.resolve(), precision: precision.resolve())
            try classifier.applyRecord()
            try classifier.limit(to: maxLength)
            try stream.run(
                acceptsPairs: classifier.acceptsPairs,
                ClassificationRecords(classifier, showsAllScores: scores).render)
        }
    }
}

/// Special tokens and one of the text need three places.
func checkMaxLength(_ length: Int?) throws {
    if let length, length < 3 { throw ValidationError("--max-length is \(length); expected at least 3.") }
}

extension SequenceClassifier {
    /// Cuts texts after `length` tokens, which the model's positions must allow.
    func limit(to length: Int?) throws {
        guard let length else { return }
        try checkPositions(length, encoder.architecture.maxTokens)
        maxLength = length
    }
}

func checkPositions(_ length: Int, _ positions: Int) throws {
    if length > positions {
        throw ValidationError("--max-length is \(length); the model has \(positions) positions.")
    }
}
