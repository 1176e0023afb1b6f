public import ArgumentParser
import Checkpoints
import Embeddings
import Glibc
import SystemPackage
public import Tasks
import Tensors

struct Search: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find the texts of an index that are nearest to each query.",
        discussion: """
            Reads one query a line and writes one JSON record for each: \
            {"index":0,"hits":[{"row":12,"score":0.83,"text":"..."}]}, the best first; on a terminal a table. Rows \
            count the texts of the index from 0. A .npy file holds queries that are vectors.

            An index with a graph is searched through it, one with a smaller copy of its vectors through that, and \
            what is found is compared in full; --exact compares all vectors. The model is the one that the index \
            names; one with other weights is refused.

            Examples:
              graft search reviews.index < queries.txt
              echo "a slow start" | graft search reviews.index --top-k 3
            """)

    @Argument(help: "The directory of the index.", completion: .directory)
    var index: String

    @OptionGroup var stream: StreamOptions
    @OptionGroup var threads: ThreadOption
    @OptionGroup var precision: PrecisionOption

    @Option(name: .shortAndLong, help: "How many texts are found for a query.")
    var topK = 10

    @Flag(help: "Compare all vectors, even where there is a graph or a smaller copy.")
    var exact = false

    @Option(
        help: """
            In a graph: candidates that are kept on the way; more find more and take longer (default: \
            \(SearchSettings().ef)).
            """)
    var ef: Int?

    @Option(
        help: "In a smaller copy: compare so many times --top-k vectors in full (default: \(SearchSettings().rescore))."
    )
    var rescore: Int?

    @Option(help: "The model that made the index, where it is no longer found by the name in it.")
    var model: String?

    @Option(help: ArgumentHelp("The prompt of the model that stands before every query.", valueName: "name"))
    var prompt: String?

    @Option(
        help: ArgumentHelp("A prompt of your own that stands before every query; \"\" for none.", valueName: "text"))
    var promptText: String?

    @Option(help: "How hits are written: jsonl or table (default: a table on a terminal, else jsonl).")
    var format: SearchRecords.Format?

    @Flag(help: "Compare everything with its checksums first; what is small is always compared.")
    var verify = false

    @Flag(help: "Time the queries in place of answering them, beside the speed of the memory.")
    var bench = false

    func validate() throws {
        for case (let name, let value?) in [("--top-k", topK), ("--ef", ef), ("--rescore", rescore)]
        where !(1...1_000_000).contains(value) {
            throw ValidationError("\(name) is \(value); expected 1 to 1000000.")
        }
        if bench, !stream.input.hasSuffix(".npy") {
            throw ValidationError("--bench needs queries that are vectors: a .npy file.")
        }
        if exact {
            try refuse(["--ef": ef != nil, "--rescore": rescore != nil]) {
                "\($0) goes without --exact, which compares all vectors in full."
            }
        }
        try refuse(bench && format != nil, "--format is for hits; --bench writes none.")
        if stream.input.hasSuffix(".npy") {
            try refuse([
                "--json": stream.json, "--model": model != nil, "--prompt": prompt != nil,
                "--prompt-text": promptText != nil, "--precision": precision.precision != .f32,
            ]) { "\($0) goes with texts; a .npy file has none." }
        }
        if prompt != nil, promptText != nil { throw ValidationError("Give --prompt or --prompt-text, not both.") }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let found = try VectorIndex.checked(FilePath(index), verify: verify)
            try refuseUseless(found.description)
            var settings = SearchSettings(topK: topK)
            settings.isExact = exact
            if let ef { settings.ef = ef }
            if let rescore { settings.rescore = rescore }
            let format = format ?? (isatty(STDOUT_FILENO) == 1 ? .table : .jsonl)
            let records = SearchRecords(found, settings, format: format, shown: \.printable)
            if stream.input.hasSuffix(".npy") {
                try search(NPYFile(FilePath(stream.input)), found, records)
            } else {
                let encoder = try encoder(of: found)
                try stream.run(acceptsPairs: false, resultsPerLine: min(topK, found.count)) {
                    records.render($0, by: encoder)
                }
            }
        }
    }

    /// Refuses what only another index has a use for.
    private func refuseUseless(_ description: IndexDescription) throws(ValidationError) {
        let hasGraph = description.graph != nil
        try refuse(
            ef != nil && !hasGraph,
            "--ef is for a graph; \(index) has none. Make the index with --graph, or leave it out.")
        try refuse(
            rescore != nil && hasGraph,
            "--rescore is for a smaller copy; \(index) is searched through its graph, with --ef.")
        try refuse(
            rescore != nil && description.codes == nil,
            "--rescore is for a smaller copy; \(index) has none. Make the index with --quantize, or leave it out.")
    }

    private func search(_ queries: NPYFile, _ index: VectorIndex, _ records: SearchRecords) throws {
        if queries.columns != index.description.size {
            throw SearchError.size(
                FilePath(stream.input), found: queries.columns, expected: index.description.size)
        }
        if bench {
            if queries.rows == 0 { throw SearchError.noQueries(FilePath(stream.input)) }
            let record = try SearchBenchmark(index, queries.vectors(0..<queries.rows), records.settings).record
            try StandardOutput.print(line: record)
            return
        }
        let window = min(1024, RecordStream.windowLimit(resultsPerLine: min(topK, index.count)))
        for start in stride(from: 0, to: queries.rows, by: window) {
            let vectors = try queries.vectors(start..<min(queries.rows, start + window))
            try StandardOutput.write(records.render(vectors, first: start))
        }
    }

    private func encoder(of index: VectorIndex) throws -> SentenceEncoder {
        guard let described = index.description.model else { throw SearchError.noModel(index.directory) }
        let encoder = try described.encoder(
            ModelStore().resolve(model ?? described.name), for: index.description, at: index.directory,
            precision: precision.resolve())
        if let promptText { encoder.usePrompt(promptText) }
        if let prompt { try encoder.usePrompt(named: prompt) }
        return encoder
    }
}

extension VectorIndex {
    /// Opens an index, and compares it with its checksums where that takes no time, or is asked for.
    static func checked(_ path: FilePath, verify: Bool = false) throws(SearchError) -> VectorIndex {
        let index = try VectorIndex(path)
        if verify || index.byteCount <= 64 << 20 { try index.verify() }
        return index
    }
}

extension SearchRecords.Format: ExpressibleByArgument {}
