public import ArgumentParser
public import Embeddings
import SystemPackage
import Tasks

struct EmbedVectors: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "embed",
        abstract: "Turn each input line into a vector made of its words' vectors.",
        discussion: """
            Writes one JSON record a line: {"index":0,"words":9,"embedding":[...]}, where words says how many have a \
            vector; a line without any gets zeros. tf-idf and sif weigh words and compare lines among the whole \
            input, which is read before the first record is written. sif takes words' frequencies from the file \
            where it has counts, else from their order.

            Example: graft vectors embed glove.6B.50d.txt --method sif --format npy < lines.txt > vectors.npy
            """)

    @OptionGroup var vectors: VectorsArgument
    @OptionGroup var stream: StreamOptions
    @OptionGroup var threads: ThreadOption

    @Option(help: "How words become a text: \(SentenceMethod.allCases.map(\.rawValue).joined(separator: ", ")).")
    var method = SentenceMethod.mean

    @Flag(help: "Take as words what stands between blanks, as fastText does (default: Unicode's rules for words).")
    var splitAtBlanks = false

    @Option(
        help: "How vectors are written: \(EmbeddingRecords.Format.allCases.map(\.rawValue).joined(separator: ", ")).")
    var format = EmbeddingRecords.Format.jsonl

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let sentences = try WordVectorSentences(vectors.open(), method, splitsAtBlanks: splitAtBlanks)
            // A fastText model computes a word's vector when it is asked for.
            if sentences.vectors.format != .fastText { try sentences.vectors.checkFinite() }
            let records = EmbeddingRecords(sentences, format: format)
            guard format == .npy else { return try run(records, to: .standardOutput) }
            let output = try NPYOutput(records.layout)
            try output.run { try run(records, to: $0) }
        }
    }

    private func run(_ records: EmbeddingRecords, to output: FileDescriptor) throws {
        try stream.run(to: output, acceptsPairs: false, waitsForAll: method.needsAllTexts, records.render)
    }
}

extension SentenceMethod: ExpressibleByArgument {}
