public import ArgumentParser
public import Embeddings
import Tasks

struct Analogy: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer analogies: for each line of three words A B C, what is to C as B is to A.",
        discussion: """
            Writes one JSON record a line: {"index":0,"words":["man","king","woman"],"neighbors":[{"word":"queen", \
            "score":0.86},...]}. The three words themselves are never an answer.

            Example: echo man king woman | graft vectors analogy glove.6B.50d.txt --top-k 1
            """)

    @OptionGroup var vectors: VectorsArgument
    @OptionGroup var stream: StreamOptions
    @OptionGroup var neighbors: NeighborOptions
    @OptionGroup var threads: ThreadOption

    @Option(
        help: """
            add: the cosine with B - A + C, the vectors scaled to length 1 (3CosAdd); multiply: the product of the \
            cosines with B and C by that with A (3CosMul).
            """)
    var method = WordVectors.AnalogyMethod.add

    func run() throws {
        try reportingFailures {
            try threads.apply()
            let records = try NeighborRecords(
                vectors.open(), .analogy(method), k: neighbors.topK, limit: neighbors.limit)
            try stream.run(
                acceptsPairs: false, resultsPerLine: neighbors.topK, fault: records.fault, records.render)
        }
    }
}

extension WordVectors.AnalogyMethod: ExpressibleByArgument {}
