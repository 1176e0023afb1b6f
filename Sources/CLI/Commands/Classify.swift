import ArgumentParser
import Checkpoints
import Tasks
import Tokenizers
import Transformer

struct Classify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give each input line a label, several labels, or a number, as the model's head does.",
        discussion: """
            Writes one JSON record a line, where index counts input lines from 0. A line that cannot be used gets a \
            record with "error". What the record holds depends on the head:

            one label        {"index":0,"label":"positive","score":0.9871}: the most probable one
            several labels   {"index":0,"labels":["joy"],"scores":{"anger":0.01,"joy":0.93}}: those from --threshold
            a number         {"index":0,"value":3.21}
            several numbers  {"index":0,"values":{"LABEL_0":3.21,"LABEL_1":-0.5}}
            cross-encoder    {"index":0,"score":0.9712}: how well two texts fit

            Two texts are one input as a JSON line {"text":"...","text_pair":"..."} with --json, or as a line with a \
            tab between them with --pairs.

            The model is a directory or a name in the store, or a file of fastText's with labels, .bin or .ftz.

            Several --adapter work together as --adapter-mode says. With --switch-adapters each line is for one of \
            them instead, which it names by its directory: {"text":"...","adapter":"topics"}. The base is read once.

            Examples:
            graft classify reviews/ < lines.txt
            graft classify all-MiniLM-L6-v2 --adapter topics/ --adapter mood/ --switch-adapters --json < lines.jsonl
            """)

    @OptionGroup var model: ModelArgument
    @OptionGroup var stream: StreamOptions
    @OptionGroup var threads: ThreadOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var adapters: AdapterChoice

    @Flag(
        help: "Use one adapter a line, which its \"adapter\" names by the directory; PEFT's adapters too. With --json.")
    var switchAdapters = false

    @Flag(help: "Each line holds two texts with a tab between them.")
    var pairs = false

    @Flag(help: "Add the scores of all labels to each record.")
    var scores = false

    @Option(help: ArgumentHelp("Add the scores of the best labels to each record, best first.", valueName: "k"))
    var topK: Int?

    @Option(help: "Where a text may have several labels: the score from which on one is given (default: 0.5).")
    var threshold: Float?

    @Flag(help: "Give the head's own scores, without the calibration that graft.json holds.")
    var rawScores = false

    @Option(help: "Cut texts after this many tokens (default: as the model was trained).")
    var maxLength: Int?

    func validate() throws {
        try checkMaxLength(maxLength)
        try checkThreshold(threshold)
        if let topK, topK < 1 { throw ValidationError("--top-k is \(topK); expected at least 1.") }
        if switchAdapters {
            try refuse(adapters.adapter.isEmpty, "--switch-adapters needs adapters: name each with --adapter.")
            try refuse(
                adapters.adapterMode != nil,
                "--switch-adapters uses one adapter a line; with --adapter-mode they work together. Choose one of them."
            )
            if let twice = repeatedDirectory(adapters.adapter) {
                throw ValidationError("--adapter names \(twice) twice; leave one out.")
            }
            try refuse(!stream.json, "--switch-adapters needs --json: each line names its adapter in \"adapter\".")
        }
        if scores, topK != nil { throw ValidationError("--scores and --top-k: choose one of them.") }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            if switchAdapters { return try runSwitched() }
            let classifier = try adapters.classifier(model.find(), precision, maxLength: maxLength, pairs: pairs)
            if rawScores { classifier.temperature = 1 }
            try classifier.decide(at: threshold)
            try stream.run(
                acceptsPairs: classifier.acceptsPairs, readsPairs: pairs,
                ClassificationRecords(classifier, showsAllScores: scores, topK: topK).render)
        }
    }
}

extension Classify {
    private func runSwitched() throws {
        let precision = try precision.resolve()
        let switched = try adapters.switched(model)
        try switched.forEach { classifier in
            try classifier.applyRecord()
            try classifier.limit(to: maxLength, pairs: pairs)
            if rawScores { classifier.temperature = 1 }
        }
        let sets = switched.classifiers.filter { $0.problem == .multiLabel }
        for classifier in sets.isEmpty ? switched.classifiers : sets { try classifier.decide(at: threshold) }
        try switched.freeze(precision)
        let records = SwitchedClassificationRecords(switched, showsAllScores: scores, topK: topK)
        try stream.run(
            acceptsPairs: switched.classifiers.allSatisfy(\.acceptsPairs), readsPairs: pairs, fault: records.fault,
            records.render)
    }
}

/// Special tokens and one of the text need three places.
func checkMaxLength(_ length: Int?) throws {
    if let length, length < 3 { throw ValidationError("--max-length is \(length); expected at least 3.") }
}

func checkThreshold(_ threshold: Float?) throws {
    if let threshold, !(0...1).contains(threshold) {
        throw ValidationError("--threshold is \(threshold); expected 0 to 1.")
    }
}

extension TextClassifier {
    /// Gives labels from this score on, where the head gives several.
    func decide(at threshold: Float?) throws {
        guard let threshold else { return }
        guard problem == .multiLabel else {
            throw ValidationError(
                "--threshold is for heads with several labels a text; this one's is \(problem.rawValue).")
        }
        self.threshold = threshold
    }
}

extension SequenceClassifier {
    /// Cuts texts, or pairs of them, after `length` tokens.
    func limit(to length: Int?, pairs: Bool = false) throws {
        guard let length else { return }
        try checkMaxLength(length, positions: encoder.maxTokens, tokenizer, pairs: pairs)
        maxLength = length
    }
}

/// Checks a `--max-length` against the model: its positions allow it, and beside the special tokens there is room for text.
///
/// - Parameter positions: `nil` where there is no limit.
func checkMaxLength(_ length: Int, positions: Int?, _ tokenizer: Tokenizer, pairs: Bool = false) throws {
    if let positions, length > positions {
        throw ValidationError("--max-length is \(length); the model has \(positions) positions.")
    }
    let special = tokenizer.specialTokenCount(pair: pairs)
    if length <= special {
        throw ValidationError(
            "--max-length is \(length); the special tokens of \(pairs ? "a pair" : "a text") alone are \(special).")
    }
}
