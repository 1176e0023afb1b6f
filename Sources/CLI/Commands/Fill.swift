import ArgumentParser
import Checkpoints
import Embeddings
import Tasks
import Tokenizers
import Transformer

struct Fill: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say which words may stand in the masked places of each input line.",
        discussion: """
            Takes a model with a masked language modeling head. A masked place is the tokenizer's own mask, such as \
            [MASK] or <mask>; every line has at least one. Writes one JSON record a line: \
            {"index":0,"masks":[{"start":8,"end":14,"tokens":[{"token":"paris","id":3000,"score":0.41}]}]}, best \
            first, where score is the token's probability there.

            Example: echo "They met in [MASK]." | graft fill bert-base-uncased
            """)

    @OptionGroup var model: ModelArgument
    @OptionGroup var stream: StreamOptions
    @OptionGroup var threads: ThreadOption
    @OptionGroup var precision: PrecisionOption

    @Option(help: ArgumentHelp("How many tokens are given for each place.", valueName: "k"))
    var topK = 5

    @Option(help: "Cut texts after this many tokens (default: as the model says).")
    var maxLength: Int?

    func validate() throws {
        try checkMaxLength(maxLength)
        if !(1...10_000).contains(topK) { throw ValidationError("--top-k is \(topK); expected 1 to 10000.") }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let language = try MaskedLanguageModel(model.resolve(), precision: precision.resolve())
            if let maxLength {
                try checkMaxLength(
                    maxLength, positions: language.pretrained.encoder.architecture.maxTokens, language.tokenizer)
                language.maxLength = maxLength
            }
            let records = MaskRecords(language, topK: topK)
            try stream.run(acceptsPairs: false, fault: records.fault, records.render)
        }
    }
}
