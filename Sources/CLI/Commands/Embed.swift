public import ArgumentParser
import Checkpoints
public import Embeddings
public import Tasks
import Tokenizers

struct Embed: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn each input line into a vector.",
        discussion: """
            Writes one JSON record a line: {"index":0,"tokens":9,"embedding":[...]}. With --format npy it writes one \
            NumPy array of all vectors, with tsv and bin the bare numbers; there, a line that cannot be used becomes \
            a vector of NaN.

            Example: graft embed all-MiniLM-L6-v2 --format npy < lines.txt > vectors.npy
            """)

    @OptionGroup var model: ModelArgument
    @OptionGroup var stream: StreamOptions
    @OptionGroup var threads: ThreadOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var adapters: AdapterChoice

    @Option(
        help: "How vectors are written: \(EmbeddingRecords.Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format = EmbeddingRecords.Format.jsonl

    @Option(
        help: """
            How a text's tokens become one vector: \(PoolingMode.allCases.map(\.rawValue).joined(separator: ", ")) \
            (default: as the model says, else mean).
            """)
    var pooling: PoolingMode?

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
        if prompt != nil, promptText != nil { throw ValidationError("Give --prompt or --prompt-text, not both.") }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let (base, setup) = try adapters.open(model.resolve())
            let encoder = try SentenceEncoder(
                base, precision: precision.resolve(), pooling: pooling, adapters: setup)
            if let normalize { encoder.normalizes = normalize }
            if let maxLength {
                try checkMaxLength(maxLength, positions: encoder.tokenLimit, encoder.tokenizer)
                encoder.maxLength = maxLength
            }
            if let promptText { encoder.usePrompt(promptText) }
            if let prompt { try encoder.usePrompt(named: prompt) }
            let records = EmbeddingRecords(encoder, format: format)
            if format == .npy {
                let output = try NPYOutput(columns: encoder.size)
                try output.run { descriptor in try stream.run(to: descriptor, acceptsPairs: false, records.render) }
            } else {
                try stream.run(acceptsPairs: false, records.render)
            }
        }
    }
}

extension EmbeddingRecords.Format: ExpressibleByArgument {}
extension PoolingMode: ExpressibleByArgument {}
