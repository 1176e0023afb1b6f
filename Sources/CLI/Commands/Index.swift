public import ArgumentParser
import Checkpoints
public import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors

struct Index: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a directory of vectors and their texts, to be searched.",
        discussion: """
            INPUT holds one text a line, or with --json objects with "text" and "id". graft search finds the nearest \
            of them, graft cluster and graft duplicates compare them with one another, graft map draws them. With \
            --add the texts come to those that an index has already.

            Examples:
              graft index all-MiniLM-L6-v2 reviews.index reviews.txt
              graft index all-MiniLM-L6-v2 reviews.index --add more.txt
              graft index all-MiniLM-L6-v2 large.index large.txt --graph
              graft index - bare.index --vectors vectors.npy
            """)

    @Argument(help: "A directory, or the name of a model in the store; - for none, where --vectors has them all.")
    var model: String

    @Argument(help: "The directory of the index.", completion: .directory)
    var index: String

    @Argument(help: "A file with one text a line, or - for standard input.", completion: .file())
    var input: String?

    @Flag(help: "Add to an index that is there, with the settings that it was made with.")
    var add = false

    @Flag(help: "A line that begins with { is a JSON object with \"text\", and where wanted \"id\".")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Take the vectors from this NumPy file, one for each text; without INPUT the index has no texts.",
            valueName: "file"), completion: .file())
    var vectors: String?

    @Option(
        help: """
            How vectors are compared: \(VectorSimilarity.allCases.map(\.rawValue).joined(separator: ", ")) (default: \
            cosine).
            """)
    var similarity: VectorSimilarity?

    @Option(
        help: """
            Keep a smaller copy that a search looks through first: int8 (a quarter of the size) or binary (a 32nd).
            """)
    var quantize: VectorCodes?

    @Flag(help: "Make a graph (HNSW), which finds nearly all of the nearest without looking at all vectors.")
    var graph = false

    @Option(help: "Links of a vector in the graph (default: 16; with --add as the graph has).")
    var m: Int?

    @Option(help: "Candidates that are kept while the graph is made (default: 200; with --add as the graph was made).")
    var efConstruction: Int?

    @OptionGroup var settings: VectorOptions
    @OptionGroup var threads: ThreadOption
    @OptionGroup var precision: PrecisionOption

    func validate() throws {
        if let m, !HNSWSettings.mRange.contains(m) { throw ValidationError("--m is \(m); expected 2 to 256.") }
        if let efConstruction, !HNSWSettings.efRange.contains(efConstruction) {
            throw ValidationError("--ef-construction is \(efConstruction); expected 1 to 10000.")
        }
        if m != nil || efConstruction != nil, !graph {
            throw ValidationError("--m and --ef-construction go with --graph.")
        }
        if model == "-", vectors == nil { throw ValidationError("Without a model, --vectors names the vectors.") }
        if model == "-", settings.areGiven {
            throw ValidationError("Poolings, dimensions, prompt and length go with a model; there is none.")
        }
        if vectors != nil {
            try refuse(json && input == nil, "--json goes with texts: name INPUT.")
            try refuse(
                precision.precision != .f32, "--precision goes with texts to be encoded; --vectors has their vectors.")
        }
        if similarity == .euclidean, quantize != nil {
            throw ValidationError("--quantize goes with --similarity cosine or dot.")
        }
        if add, similarity != nil || quantize != nil || settings.areGiven {
            throw ValidationError(
                "With --add, similarity, poolings, dimensions, prompt and length are the index's own.")
        }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            _ = try Signals.catchInterruption()
            let path = FilePath(index)
            let directory = model == "-" ? nil : try ModelStore().resolve(model)
            let (writer, encoder) = try add ? opened(path, directory) : created(path, directory)
            let indexing = TextIndexing(writer, readsJSON: json) { Signals.isInterrupted }
            var bar = ProgressBar()
            if let vectors {
                try indexing.add(
                    vectors: NPYFile(FilePath(vectors)), at: FilePath(vectors), texts: textPath)
            } else if let encoder {
                try indexing.add(texts: textPath, by: encoder) { bar.draw(0, $0.counted("text")) }
            }
            // With --add the graph's own where nothing else is asked for.
            var graphSettings = writer.description.graph?.settings ?? HNSWSettings()
            if let m { graphSettings.m = m }
            if let efConstruction { graphSettings.efConstruction = efConstruction }
            let total = writer.count
            try writer.commit(graph: graph ? graphSettings : nil, shouldStop: { Signals.isInterrupted }) { count in
                bar.draw(Double(count) / Double(total), "\(count.counted("vector")) in the graph")
            }
            bar.clear()
            try StandardOutput.print(
                line: .object([
                    "index": .string(index), "count": .integer(writer.description.count),
                    "size": .integer(writer.description.size),
                ]))
        }
    }

    /// `nil` for standard input.
    private var textPath: FilePath? { input.flatMap { $0 == "-" ? nil : FilePath($0) } }

    private func opened(_ path: FilePath, _ directory: ModelDirectory?) throws -> (IndexWriter, SentenceEncoder?) {
        let found = try VectorIndex(path)
        if !found.description.hasTexts, input != nil || vectors == nil { throw SearchError.noTexts(path) }
        var encoder: SentenceEncoder?
        if let directory {
            guard let model = found.description.model else { throw SearchError.noModel(path) }
            encoder = try model.encoder(
                directory, for: found.description, at: path, precision: precision.resolve())
        } else if found.description.hasTexts, input == nil {
            throw ValidationError("The index has texts; name the file with one for each vector.")
        }
        return (try IndexWriter(addingTo: found), encoder)
    }

    private func created(_ path: FilePath, _ directory: ModelDirectory?) throws -> (IndexWriter, SentenceEncoder?) {
        try AtomicDirectory.checkAbsence(of: path)
        var (encoder, described): (SentenceEncoder?, IndexedModel?)
        var size = 0
        if let directory {
            let made = try SentenceEncoder(
                directory, precision: precision.resolve(), pooling: settings.pooling)
            try settings.apply(to: made)
            described = try IndexedModel(
                made, directory, pooling: settings.pooling, isTruncated: settings.dimensions != nil)
            (encoder, size) = (made, made.size)
        }
        if let vectors {
            let columns = try NPYFile(FilePath(vectors)).columns
            if encoder != nil, columns != size {
                throw SearchError.size(FilePath(vectors), found: columns, expected: size)
            }
            size = columns
        }
        let description = IndexDescription(
            size: size, similarity: similarity ?? .cosine, hasTexts: vectors == nil || input != nil, codes: quantize,
            model: described)
        return (try IndexWriter(creating: path, description), encoder)
    }
}

extension VectorSimilarity: ExpressibleByArgument {}
extension VectorCodes: ExpressibleByArgument {}
