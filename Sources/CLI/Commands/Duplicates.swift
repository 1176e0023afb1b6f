import ArgumentParser
import Checkpoints
import Embeddings
import SystemPackage
import Tasks

struct Duplicates: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Find texts of an index that say the same, or are the same.",
        discussion: """
            Writes one JSON record for each pair of texts whose vectors have a cosine of at least --threshold, the \
            most alike first: {"score":0.97,"rows":[3,17],"texts":[...]}. With --exact it writes one for each group \
            of texts that are equal character by character: {"cluster":0,"size":2,"rows":[3,17],"texts":[...]}.

            Examples:
              graft duplicates reviews.index --threshold 0.95
              graft duplicates reviews.index --exact
            """)

    @Argument(help: "The directory of the index.", completion: .directory)
    var index: String

    @Option(help: "The least cosine of a pair; -1 for all (default: 0.9).")
    var threshold: Float?

    @Option(help: "Look at so many neighbours of every text (default: 100).")
    var topK: Int?

    @Option(help: "Write so many pairs at most (default: 500000).")
    var maxPairs: Int?

    @Flag(help: "Groups of equal texts in place of pairs of similar ones.")
    var exact = false

    @OptionGroup var threads: ThreadOption

    func validate() throws {
        if let threshold, !(-1...1).contains(threshold) {
            throw ValidationError("--threshold is \(threshold); expected -1 to 1.")
        }
        for case (let name, let value?) in [("--top-k", topK), ("--max-pairs", maxPairs)]
        where !(1...100_000_000).contains(value) {
            throw ValidationError("\(name) is \(value); expected 1 to 100000000.")
        }
        if exact, threshold != nil || topK != nil || maxPairs != nil {
            throw ValidationError("--threshold, --top-k and --max-pairs go with pairs, without --exact.")
        }
    }

    func run() throws {
        try reportingFailures {
            threads.request()
            let found = try VectorIndex.checked(FilePath(index))
            if exact {
                try StandardOutput.write(ClusterRecords(found, textLimit: 1).render(found.equalRows()))
                return
            }
            var bar = ProgressBar()
            let pairs = ParaphraseMining.pairs(
                in: found.unitVectors, topK: topK ?? 100, maxPairs: maxPairs ?? 500_000,
                threshold: threshold == -1 ? -.infinity : threshold ?? 0.9
            ) { bar.draw(Double($0) / Double(found.count), "\($0.counted("text")) compared") }
            bar.clear()
            try StandardOutput.write(ClusterRecords(found, textLimit: 2).render(pairs))
        }
    }
}
