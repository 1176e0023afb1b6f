import ArgumentParser
import Tasks

struct Near: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give the words nearest to each word by cosine.",
        discussion: """
            Writes one JSON record a line: {"index":0,"word":"king","neighbors":[{"word":"prince","score":0.82},...]}.

            Example: echo king | graft vectors near glove.6B.50d.txt --top-k 3
            """)

    @OptionGroup var vectors: VectorsArgument
    @OptionGroup var stream: StreamOptions
    @OptionGroup var neighbors: NeighborOptions
    @OptionGroup var threads: ThreadOption

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let records = try NeighborRecords(
                vectors.open(), .neighbors, k: neighbors.topK, limit: neighbors.limit)
            try stream.run(
                acceptsPairs: false, resultsPerLine: neighbors.topK, fault: records.fault, records.render)
        }
    }
}
