import ArgumentParser
import Checkpoints
import Embeddings
import SystemPackage
import Tasks
import Tensors

struct Map: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw the texts of an index as points of one page for a browser.",
        discussion: """
            Texts that say similar things lie near one another. The page loads nothing from elsewhere; it shows a text \
            under the pointer, finds words, and has a colour for every label of --labels, one a line for each text, \
            or for groups made by k-means.

            Example: graft map reviews.index --output map.html
            """)

    @Argument(help: "The directory of the index.", completion: .directory)
    var index: String

    @Option(
        name: .shortAndLong, help: "The page to write, which must not exist yet.",
        completion: .file(extensions: ["html"]))
    var output: String

    @Option(help: "A file with a label for each text, one a line.", completion: .file())
    var labels: String?

    @Option(help: "Without --labels: the number of groups that have colours (default: 10).")
    var k: Int?

    @Option(help: "Draw so many texts at most, taken evenly from the index.")
    var sample = 20_000

    @Option(help: "Neighbours that a text is tied to: few show small groups, many the whole.")
    var neighbours = 15

    @Option(help: "Of the picture.")
    var seed: UInt64 = 1

    @Option(help: "The title of the page (default: the name of the index).")
    var title: String?

    @OptionGroup var threads: ThreadOption

    func validate() throws {
        try refuse(k != nil && labels != nil, "--k is the number of groups; --labels has them already.")
        for case (let name, let value?, let limit) in [
            ("--k", k, 1000), ("--sample", sample, 200_000), ("--neighbours", neighbours, 1000),
        ]
        where !(1...limit).contains(value) {
            throw ValidationError("\(name) is \(value); expected 1 to \(limit).")
        }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            try AtomicDirectory.checkAbsence(of: FilePath(output))
            let found = try VectorIndex.checked(FilePath(index))
            let name = title ?? FilePath(index).lastComponent?.string ?? index
            var bar = ProgressBar()
            let map = try CorpusMap(
                found, title: name, labels: labels.map { FilePath($0) }, groups: k ?? 10, sample: sample,
                neighbours: neighbours, seed: seed
            ) { bar.draw($0, "layout") }
            bar.clear()
            try AtomicFile.write(Array(map.html.utf8), to: FilePath(output))
            try StandardOutput.print(output)
        }
    }
}
