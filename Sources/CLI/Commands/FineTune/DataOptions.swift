import ArgumentParser
import Checkpoints
import SystemPackage
import Tasks

/// What is learned from, and what is measured on.
struct DataOptions: ParsableArguments {
    @Option(
        help: """
            The examples to learn from: TSV, CSV, JSON, fastText's lines, GLUE's folders, or a folder for each class; \
            gzipped or not.
            """, completion: .file())
    var train: String

    @Option(
        help: "The examples to measure on after each epoch (default: a share of the training examples).",
        completion: .file())
    var dev: String?

    @Option(help: "The share of the training examples that is set aside where --dev is not given (default: 0.1).")
    var devShare: Double?

    @Flag(help: "Learn from all examples, measure on none and keep the last epoch.")
    var noDev = false

    @Flag(help: "Leave out training texts that come twice, or that are in --dev.")
    var dropDuplicates = false

    @Flag(help: "Stop before the training where the data has duplicates, contradictions, empty or leaked texts.")
    var strictData = false

    @Option(
        help: """
            Train this many classifiers, each without another part of the data, and print what they reach on it; with \
            --output another one on all data.
            """)
    var folds: Int?

    @Flag(help: "Only check the data and print what was found as JSON.")
    var checkData = false

    func validate() throws {
        if let devShare, !(devShare > 0 && devShare < 1) {
            throw ValidationError("--dev-share is \(devShare); expected a number between 0 and 1.")
        }
        if noDev, dev != nil || devShare != nil {
            throw ValidationError("--no-dev does not go with --dev and --dev-share.")
        }
        if let folds {
            if !(2...1000).contains(folds) { throw ValidationError("--folds is \(folds); expected 2 to 1000.") }
            if dev != nil || devShare != nil {
                throw ValidationError("--folds measures on parts of --train; leave --dev and --dev-share out.")
            }
        }
        if dev != nil, devShare != nil { throw ValidationError("Either --dev or --dev-share, not both.") }
    }

    /// The data, and what is worth knowing about it on standard error.
    ///
    /// - Parameter splits: whether a share is set aside where nothing is said of it.
    func load(
        _ columns: ColumnOptions, problem: ProblemType?, seed: UInt64, splits: Bool = true
    ) throws -> FineTuningData {
        var options = FineTuningData.Options()
        options.columns = columns.columns
        options.problem = problem
        options.devShare = noDev || folds != nil ? nil : devShare ?? (splits ? 0.1 : nil)
        options.dropsDuplicates = dropDuplicates
        options.folds = folds
        options.seed = seed
        let data = try FineTuningData(train: FilePath(train), dev: dev.map { FilePath($0) }, options)
        StandardError.note(data.train.description)
        if let dev = data.dev { StandardError.note(dev.description) }
        if data.isSplit, let count = data.devCount {
            StandardError.note("\(count) of them are set aside to measure on (--dev, --no-dev)")
        }
        if let labels = data.checks.labelSummary { StandardError.note("labels: \(labels)") }
        let lone = data.checks.labelCounts.first { $0.count == 1 && !checkData && data.problem == .singleLabel }
        // What ends the run needs no warning besides.
        for warning in lone == nil ? data.checks.warnings : data.checks.textWarnings {
            StandardError.note("warning: \(warning)")
        }
        if data.dropped > 0 { StandardError.note("\(data.dropped) duplicates are left out") }
        if let lone { throw CorpusError.loneExample(data.train.file, label: lone.label) }
        if strictData, !data.isClean { throw UncleanData() }
        return data
    }
}

struct UncleanData: Error, CustomStringConvertible {
    var description: String {
        "the data is not clean, as the warnings above say. Correct it, or leave --strict-data out."
    }
}
