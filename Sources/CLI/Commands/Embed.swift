public import ArgumentParser
import Checkpoints
public import Embeddings
import SystemPackage
public import Tasks
import Tokenizers

struct Embed: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Turn each input line into a vector.",
        discussion: """
            Writes one JSON record a line: {"index":0,"tokens":9,"embedding":[...]}. With --format npy it writes one \
            NumPy array of all vectors, with tsv and bin the bare numbers; there, a line that cannot be used becomes \
            a vector of NaN, or of zeros where numbers are bytes.

            With --quantize a vector is written in bytes, as sentence-transformers' quantize_embeddings makes them. \
            int8 and uint8 say where in the range of its dimension a value lies: --calibration names texts, or \
            vectors in a NumPy file, that have those ranges; it may be the input itself.

            With --output the vectors go to a file, with --skip-done to one that a run which was interrupted began.

            Examples:
              graft embed all-MiniLM-L6-v2 --format npy < lines.txt > vectors.npy
              graft embed all-MiniLM-L6-v2 lines.txt --quantize int8 --calibration lines.txt --format npy > bytes.npy
              graft embed all-MiniLM-L6-v2 lines.txt --format npy --output vectors.npy --skip-done
            """)

    @OptionGroup var model: ModelArgument
    @OptionGroup var stream: StreamOptions
    @OptionGroup var threads: ThreadOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var adapters: AdapterChoice
    @OptionGroup var vectors: VectorOptions

    @Option(
        help: "How vectors are written: \(EmbeddingRecords.Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format = EmbeddingRecords.Format.jsonl

    @Option(
        help: """
            Write vectors in bytes: \(VectorQuantization.allCases.map(\.rawValue).joined(separator: ", ")); binary and \
            ubinary have eight values in a byte.
            """)
    var quantize: VectorQuantization?

    @Option(
        help: ArgumentHelp(
            "For int8 and uint8: texts, one a line, or vectors (.npy), that show the ranges of the values.",
            valueName: "file"), completion: .file())
    var calibration: String?

    @Option(help: ArgumentHelp("Write to this file, which must not exist yet.", valueName: "file"), completion: .file())
    var output: String?

    @Flag(help: "Go on with the file of --output: keep its whole records, and pass over as many lines.")
    var skipDone = false

    func validate() throws {
        if let quantize {
            if quantize.needsRanges, calibration == nil {
                throw ValidationError(
                    "--quantize \(quantize.rawValue) needs --calibration: a file of texts or vectors (.npy) like the input's."
                )
            }
            if !quantize.needsRanges, calibration != nil {
                throw ValidationError("--calibration is for int8 and uint8; \(quantize.rawValue) has no ranges.")
            }
        } else if calibration != nil {
            throw ValidationError("--calibration goes with --quantize int8 or uint8.")
        }
        if output == "-" {
            throw ValidationError("--output is -; leave it out, and the vectors go to standard output.")
        }
        if skipDone, output == nil { throw ValidationError("--skip-done needs --output, the file to go on with.") }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let found = try model.resolve()
            if WordVectorClassifier.isPublished(in: found) { throw NoTextVectors(model: model.model) }
            let (base, setup) = try adapters.open(found)
            let encoder = try SentenceEncoder(
                base, precision: precision.resolve(), pooling: vectors.pooling, adapters: setup)
            try vectors.apply(to: encoder)
            let ranges = try calibration.map {
                try ValueRanges(calibratedOn: FilePath($0), encoder, readsJSON: stream.json)
            }
            let quantizer = quantize.map { VectorQuantizer($0, ranges: ranges) }
            try write(EmbeddingRecords(encoder, format: format, quantizer: quantizer))
        }
    }

    private func write(_ records: EmbeddingRecords) throws {
        if let output {
            let file = try RecordFile(FilePath(output), records.layout, continues: skipDone)
            let result = Result {
                try stream.run(
                    to: file.descriptor, skipping: file.done, acceptsPairs: false,
                    atEnd: { try file.check(linesRead: $0) }, records.render)
            }
            try file.close()
            try result.get()
        } else if format == .npy {
            let output = try NPYOutput(records.layout)
            try output.run { descriptor in try stream.run(to: descriptor, acceptsPairs: false, records.render) }
        } else {
            try stream.run(acceptsPairs: false, records.render)
        }
    }
}

/// A classifier on word vectors in a transformer's place.
struct NoTextVectors: Error, CustomStringConvertible {
    let model: String
    var description: String {
        "\(model): a classifier on word vectors; expected a transformer or static embeddings. graft classify gives "
            + "texts its labels; graft vectors embed takes a file of word vectors."
    }
}

extension VectorQuantization: ExpressibleByArgument {}
extension EmbeddingRecords.Format: ExpressibleByArgument {}
