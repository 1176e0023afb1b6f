import ArgumentParser
import Checkpoints
import Embeddings
import SystemPackage
import Tasks

struct Cluster: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Group the texts of an index.",
        discussion: """
            Writes one JSON record for each group, the largest first: {"cluster":0,"size":12,"rows":[...],\
            "texts":[...]}. Without --k the groups are communities: texts whose vectors have a cosine of at least \
            --threshold to the one in the middle, which comes first; what is in no community is in no record. With \
            --k there are as many groups as that, by k-means, and every text is in one, those nearest to the middle \
            first.

            Examples:
              graft cluster reviews.index --threshold 0.8 --min-size 5
              graft cluster reviews.index --k 20 --texts 3
            """)

    @Argument(help: "The directory of the index.", completion: .directory)
    var index: String

    @Option(help: "The least cosine to the middle of a community (default: 0.75).")
    var threshold: Float?

    @Option(help: "The least size of a community (default: 10).")
    var minSize: Int?

    @Option(help: "Make so many groups by k-means.")
    var k: Int?

    @Option(help: "Of the first centres of k-means (default: 1).")
    var seed: UInt64?

    @Option(help: "As many texts of a group are written (default: all).")
    var texts: Int?

    @OptionGroup var threads: ThreadOption

    func validate() throws {
        if let threshold, !(-1...1).contains(threshold) {
            throw ValidationError("--threshold is \(threshold); expected -1 to 1.")
        }
        if let minSize, minSize < 1 { throw ValidationError("--min-size is \(minSize); expected at least 1.") }
        if let k, k < 1 { throw ValidationError("--k is \(k); expected at least 1.") }
        if k != nil, threshold != nil || minSize != nil {
            throw ValidationError("--threshold and --min-size go with communities, without --k.")
        }
        if k == nil, seed != nil { throw ValidationError("--seed goes with --k.") }
        if let texts, texts < 0 { throw ValidationError("--texts is \(texts); expected at least 0.") }
    }

    func run() throws {
        try reportingFailures {
            threads.request()
            let found = try VectorIndex.checked(FilePath(index))
            if let k, k > found.count {
                throw ValidationError("--k is \(k); the index has \(found.count.counted("vector")).")
            }
            let groups: [[Int32]]
            if let k {
                groups = KMeans(found.vectors, count: k, seed: seed ?? 1).groups(of: found.vectors)
            } else {
                var bar = ProgressBar()
                groups = CommunityDetection.communities(
                    in: found.unitVectors, threshold: threshold ?? 0.75, minSize: minSize ?? 10
                ) { bar.draw(Double($0) / Double(found.count), "\($0.counted("text")) compared") }
                bar.clear()
            }
            try StandardOutput.write(ClusterRecords(found, textLimit: texts ?? .max).render(groups))
        }
    }
}
