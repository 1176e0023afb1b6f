public import ArgumentParser
import Checkpoints
import Embeddings
import FoundationEssentials
import Glibc
import Synchronization
import SystemPackage
import Tasks
public import Tensors

struct ModelArgument: ParsableArguments {
    @Argument(help: "A directory, or the name of a model in the store.", completion: .directory)
    var model: String

    func resolve() throws(StoreError) -> ModelDirectory { try ModelStore().resolve(model) }

    /// What is no directory and no name: word vectors, or a model of fastText's.
    var file: FilePath? {
        var isDirectory = false
        let exists = FileManager.default.fileExists(atPath: model, isDirectory: &isDirectory)
        return exists && !isDirectory ? FilePath(model) : nil
    }

    /// What is no model: a file of word vectors, or a spaCy pipeline's folder.
    var wordVectors: FilePath? {
        let path = FilePath(model)
        if let file { return file }
        return WordVectors.arePublished(inPipeline: path) && !ModelDirectory(path).exists("config.json") ? path : nil
    }

    /// Finds what a classifier may be.
    func find() throws(StoreError) -> FoundModel {
        if let file { return .wordVectors(file) }
        let directory = try resolve()
        return WordVectorClassifier.isPublished(in: directory)
            ? .wordVectors(directory.path) : .transformer(directory)
    }
}

/// What a model's name stands for.
enum FoundModel {
    /// A classifier on word vectors, in a directory or a file of fastText's.
    case wordVectors(FilePath)
    case transformer(ModelDirectory)
}

struct ThreadOption: ParsableArguments {
    @Option(help: ArgumentHelp("How many threads compute (default: one for each core).", valueName: "n"))
    var threads: Int?

    func validate() throws {
        if let threads, !(1...64).contains(threads) {
            throw ValidationError("--threads is \(threads); expected 1 to 64.")
        }
    }

    /// Loads the engine and settles the number of threads; before anything is computed.
    func apply() throws {
        request()
        _ = try AvailableMemory.named()
        if try MatrixEngine.load() == .openBLAS, let reason = MatrixEngine.reasonForFallback {
            StandardError.note(
                "oneDNN cannot be loaded (\(reason)): OpenBLAS computes, at about half the speed, and in f32 alone")
        }
    }

    /// Settles the number of threads alone, for what computes no matrix product.
    func request() { ThreadPool.requestedThreads.store(threads ?? 0, ordering: .relaxed) }
}

struct PrecisionOption: ParsableArguments {
    @Option(
        help:
            "The numbers that the encoder multiplies: f32, or where the processor has the instructions bf16 or int8, which are faster."
    )
    var precision = Precision.f32

    /// The precision, which this machine offers. After the engine is loaded.
    func resolve() throws -> Precision {
        if let reason = precision.reasonUnavailable { throw PrecisionError(reason: reason) }
        return precision
    }
}

extension Precision {
    /// What an encoder learns with: what is asked for, if this machine offers it, or else the fastest. After the engine
    /// is loaded.
    static func forTraining(_ asked: Precision?) throws(PrecisionError) -> Precision {
        guard let asked else { return bf16.reasonUnavailable == nil ? .bf16 : .f32 }
        if let reason = asked.reasonUnavailable { throw PrecisionError(reason: reason) }
        return asked
    }
}

struct PrecisionError: Error, CustomStringConvertible {
    let reason: String
    var description: String { "--precision \(reason). Use --precision f32." }
}

extension Precision: ExpressibleByArgument {}

/// How texts become vectors.
struct VectorOptions: ParsableArguments {
    @Option(
        help: """
            How a text's tokens become one vector: \(PoolingMode.allCases.map(\.rawValue).joined(separator: ", ")); \
            several with commas between them stand side by side (default: as the model says, else mean).
            """, transform: poolingModes)
    var pooling: [PoolingMode]?

    @Option(help: "Keep the first so many values of a vector, for models that were trained for it.")
    var dimensions: Int?

    @Flag(inversion: .prefixedNo, help: "Scale vectors to length 1 (default: as the model says).")
    var normalize: Bool?

    @Option(help: "Cut texts after this many tokens (default: as the model says).")
    var maxLength: Int?

    @Option(
        help: ArgumentHelp(
            "The prompt of the model that stands before every text (default: as the model says).", valueName: "name"))
    var prompt: String?

    @Option(help: ArgumentHelp("A prompt of your own that stands before every text; \"\" for none.", valueName: "text"))
    var promptText: String?

    func validate() throws {
        try checkMaxLength(maxLength)
        if let dimensions, dimensions < 1 {
            throw ValidationError("--dimensions is \(dimensions); expected at least 1.")
        }
        if prompt != nil, promptText != nil { throw ValidationError("Give --prompt or --prompt-text, not both.") }
    }

    var areGiven: Bool {
        pooling != nil || dimensions != nil || normalize != nil || maxLength != nil || prompt != nil
            || promptText != nil
    }

    /// All but the pooling, which an encoder is made with.
    func apply(to encoder: SentenceEncoder) throws {
        if let normalize { encoder.normalizes = normalize }
        if let maxLength {
            try checkMaxLength(maxLength, positions: encoder.tokenLimit, encoder.tokenizer)
            encoder.maxLength = maxLength
        }
        if let promptText { encoder.usePrompt(promptText) }
        if let prompt { try encoder.usePrompt(named: prompt) }
        if let dimensions {
            if dimensions > encoder.size {
                throw ValidationError("--dimensions is \(dimensions); the model's vectors have \(encoder.size).")
            }
            encoder.truncate(to: dimensions)
        }
    }
}

/// The modes of `--pooling mean,max`.
@Sendable private func poolingModes(_ text: String) throws -> [PoolingMode] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map { name in
        guard let mode = PoolingMode(rawValue: String(name)) else {
            throw ValidationError(
                "--pooling is \(text); expected one or several of "
                    + PoolingMode.allCases.map(\.rawValue).joined(separator: ", ") + " with commas between them.")
        }
        return mode
    }
}

struct StreamOptions: ParsableArguments {
    @Argument(help: "A file with one text a line, or - for standard input.", completion: .file())
    var input = "-"

    @Flag(help: "A line that begins with { is a JSON object with \"text\", and where wanted \"id\".")
    var json = false

    /// Runs lines through `render` to standard output, and ends the program with the status that the contract asks for.
    ///
    /// - Parameters:
    ///   - done: so many lines are passed over.
    ///   - resultsPerLine: where many belong to a line, fewer lines are read at a time.
    ///   - atEnd: checks the number of lines of the input.
    func run(
        to output: FileDescriptor = .standardOutput, skipping done: Int = 0, acceptsPairs: Bool = true,
        readsPairs: Bool = false, resultsPerLine: Int = 1,
        fault: @escaping (InputText, _ line: Int) -> LineFault? = { _, _ in nil },
        waitsForAll: Bool = false, atEnd: (_ lines: Int) throws -> Void = { _ in },
        _ render: ([RecordStream.Item]) throws(RecordStream.Failure) -> [UInt8]
    ) throws {
        let descriptor: FileDescriptor
        do {
            descriptor = input == "-" ? .standardInput : try .open(FilePath(input), .readOnly, options: .closeOnExec)
        } catch {
            throw CorpusError.unreadable(FilePath(input), error as? Errno ?? .ioError)
        }
        let interruption = try Signals.catchInterruption()
        let stream = RecordStream(
            input: descriptor, named: input == "-" ? nil : FilePath(input), output: output, readsJSON: json,
            acceptsPairs: acceptsPairs, readsPairs: readsPairs,
            fault: fault, interruption: interruption, shouldStop: { Signals.isInterrupted })
        let summary =
            try waitsForAll
            ? stream.runAtOnce(render)
            : stream.run(skipping: done, resultsPerLine: resultsPerLine, render)
        if !summary.endedEarly { try atEnd(summary.lines) }
        if Signals.isInterrupted { throw ExitCode(Signals.interruptedStatus) }
        if summary.failures > 0 {
            StandardError.note(
                "\(summary.failures) of \(summary.records) lines could not be used; their records say why")
            throw ExitCode.failure
        }
    }
}

struct ColumnOptions: ParsableArguments {
    @OptionGroup var table: TableOptions

    @Option(
        help: """
            The column with the text, by name or, without a header, by number from 1 (default: text or sentence, else \
            the one with a name like review or content).
            """)
    var textColumn: String?

    @Option(help: "The column with the second text of a pair (default: found by names like premise and hypothesis).")
    var pairColumn: String?

    @Option(
        help: "One text made of several columns, or with words before it: '{title}. {body}' or 'Review: {text}'.")
    var textTemplate: String?

    @Option(
        help: """
            The column with the label, the labels or the number (default: label, labels or score, else the one with a \
            name like category or stars).
            """)
    var labelColumn: String?

    @Option(help: "The names of the labels 0, 1, 2 and so on, with commas between them.")
    var labelNames: String?

    @Option(help: "What stands between the labels of one text, where texts have several.")
    var labelSeparator = ","

    func validate() throws {
        if labelSeparator.isEmpty {
            throw ValidationError("--label-separator is empty; expected what stands between labels.")
        }
        if let textTemplate {
            if textColumn != nil || pairColumn != nil {
                throw ValidationError("--text-template names its columns; leave --text-column and --pair-column out.")
            }
            if textTemplate.wholeMatch(of: /[^{}]*(?:\{[^{}]+\}[^{}]*)+/) == nil {
                throw ValidationError(
                    "--text-template needs the name of a column between braces, such as 'Review: {text}'.")
            }
        }
        if let names = labels, names.count < 2 || Set(names).count < names.count || names.contains("") {
            throw ValidationError("--label-names needs at least two different names with commas between them.")
        }
    }

    /// Whether anything is said of the columns.
    var areGiven: Bool {
        [textColumn, pairColumn, textTemplate, labelColumn, labelNames].contains { $0 != nil } || table.areGiven
            || labelSeparator != ","
    }

    private var labels: [String]? {
        labelNames.map { $0.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) } }
    }

    var columns: LabelledExamples.Columns {
        var columns = LabelledExamples.Columns(
            text: textColumn, pair: pairColumn, label: labelColumn, labelSeparator: labelSeparator)
        columns.delimiter = table.delimiterByte
        columns.format = table.format
        columns.hasHeader = table.header
        columns.template = textTemplate
        columns.labelNames = labels
        return columns
    }
}

extension ColumnOptions {
    /// For texts side by side: one column of texts, or two, or those of `--text-columns`.
    func sentenceColumns(_ names: [String]?) -> SentenceColumns.Choice {
        var choice = SentenceColumns.Choice()
        choice.delimiter = columns.delimiter
        choice.format = columns.format
        choice.hasHeader = table.header
        choice.texts = names ?? textColumn.map { text in [text] + (pairColumn.map { [$0] } ?? []) }
        choice.label = labelColumn
        return choice
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " }
        return start.lastIndex { $0 != " " }.map { start[...$0] } ?? ""
    }
}

/// The largest share of memory that the process has used, in megabytes.
var peakMemoryMB: Int {
    var usage = rusage()
    unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss / 1024
}
