public import ArgumentParser
import Checkpoints
import Embeddings
public import Tasks
import Tokenizers
import Transformer

struct Tag: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find the entities in each input line, such as names and places.",
        discussion: """
            Takes a model with a token classification head and writes one JSON record a line: \
            {"index":0,"entities":[{"label":"PER","score":0.99,"start":0,"end":6,"text":"Angela"}]}. Places count \
            Unicode scalars of the line. A text that is cut gets "truncated":true; what is behind the cut is not seen.

            Example: echo "Angela lives in Paris" | graft tag bert-ner/
            """)

    @OptionGroup var model: ModelArgument
    @OptionGroup var stream: StreamOptions
    @OptionGroup var threads: ThreadOption
    @OptionGroup var precision: PrecisionOption

    @Option(
        help: """
            How tokens become entities, as transformers' aggregation_strategy: \
            \(AggregationStrategy.allCases.map(\.rawValue).joined(separator: ", ")). simple joins neighbours with one \
            label; first, average and max give every word one label before; none gives every token its own (default: \
            simple; first where graft finetune trained the model, which has learned words by their first tokens).
            """)
    var aggregation: AggregationStrategy?

    @Option(help: "Cut texts after this many tokens (default: as the model says).")
    var maxLength: Int?

    func validate() throws { try checkMaxLength(maxLength) }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let directory = try model.resolve()
            let aggregation = try aggregation ?? TokenTagger.aggregation(in: directory)
            let tagger = try TokenTagger(directory, precision: precision.resolve())
            try tagger.limit(to: maxLength)
            try stream.run(acceptsPairs: false, EntityRecords(tagger, aggregation: aggregation).render)
        }
    }
}

extension AggregationStrategy: ExpressibleByArgument {}
