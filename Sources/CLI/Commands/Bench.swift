import ArgumentParser
import Checkpoints
import Embeddings
import JSON
import Tensors

struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how fast an encoder runs on this machine, in every precision.",
        discussion: """
            Embeds made-up texts of --lengths tokens in batches of --batch-sizes, and prints what a batch takes (the \
            median of --rounds after a warm-up), sentences and tokens a second, the GFLOP/s of the products with the \
            weights, and their share of the engine's rate in products of one size, measured before and after, as \
            `graft doctor` does. Tokenization is not timed. An asked precision that this machine lacks is an error; \
            without --precision the output says which were refused.

            Example: graft bench all-MiniLM-L6-v2 --precision f32,bf16 --lengths 27 --batch-sizes 1,32,256
            """)

    @OptionGroup var model: ModelArgument

    @Option(help: "f32, bf16, int8, several of them behind commas (default: all that this machine offers).")
    var precision: [CommaSeparated<Precision>] = []

    @Option(help: "Tokens of a text (default: 13,27,128,512, as far as the model takes them).")
    var lengths: [CommaSeparated<Int>] = []

    @Option(help: "Texts of a batch (default: 1,32).")
    var batchSizes: [CommaSeparated<Int>] = []

    @Option(help: "How often each is measured.")
    var rounds = 5

    @Option(help: "How long each is measured, warm-up aside; a round is one batch at least.")
    var seconds = 0.5

    @Flag(help: "Print one JSON record instead of a table.")
    var json = false

    @OptionGroup var threads: ThreadOption

    func validate() throws {
        for (name, values) in [("--lengths", lengths), ("--batch-sizes", batchSizes)] {
            if let value = values.flatMap(\.elements).first(where: { !(1...65_536).contains($0) }) {
                throw ValidationError("\(name) has \(value); expected 1 to 65536.")
            }
        }
        if !(1...1000).contains(rounds) { throw ValidationError("--rounds is \(rounds); expected 1 to 1000.") }
        if !(0.0...3600).contains(seconds) { throw ValidationError("--seconds is \(seconds); expected 0 to 3600.") }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let asked = precision.flatMap(\.elements)
            if let reason = asked.lazy.compactMap(\.reasonUnavailable).first { throw PrecisionError(reason: reason) }
            let directory = try model.resolve()
            var report = BenchReport(model: model.model)
            var progress = ProgressBar()
            defer { progress.clear() }
            let precisions =
                asked.isEmpty
                ? try EncoderBenchmark.precisions(directory) : Precision.allCases.filter { asked.contains($0) }
            for (index, precision) in precisions.enumerated() {
                let benchmark = try EncoderBenchmark(directory, precision: precision)
                let cells = try cells(positions: benchmark.positions)
                report.operationsPerToken = benchmark.operationsPerToken
                for (number, cell) in cells.enumerated() {
                    progress.draw(
                        (Double(index) + Double(number) / Double(cells.count)) / Double(precisions.count),
                        "\(precision.rawValue), \(cell.batchSize.counted("text")) of \(cell.length.counted("token"))")
                    let result = benchmark.measure(
                        length: cell.length, batchSize: cell.batchSize, rounds: rounds, seconds: seconds)
                    report.cells.append((precision, result))
                }
            }
            progress.clear()
            if asked.isEmpty {
                report.refused = Precision.allCases.compactMap { precision in
                    precision.reasonUnavailable.map { (precision, $0) }
                }
            }
            try StandardOutput.print(json ? report.json : report.text, terminator: json ? "\n" : "")
        }
    }

    /// - Parameter positions: the longest text that the model takes.
    private func cells(positions: Int) throws -> [(length: Int, batchSize: Int)] {
        var lengths = lengths.flatMap(\.elements)
        if let length = lengths.first(where: { $0 > positions }) {
            throw ValidationError("--lengths has \(length); the model takes \(positions.counted("token")) at most.")
        }
        if lengths.isEmpty {
            for length in [13, 27, 128, 512] where lengths.last != positions { lengths.append(min(length, positions)) }
        }
        let sizes = batchSizes.isEmpty ? [1, 32] : batchSizes.flatMap(\.elements)
        return lengths.flatMap { length in sizes.map { (length, $0) } }
    }
}

/// Values of an option behind commas.
struct CommaSeparated<Element: ExpressibleByArgument & Sendable>: ExpressibleByArgument, Sendable {
    let elements: [Element]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        elements = parts.compactMap { Element(argument: String($0)) }
        if elements.count != parts.count { return nil }
    }
}
