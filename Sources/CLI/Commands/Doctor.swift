import ArgumentParser
import Checkpoints
import Embeddings
import Tasks
import Tensors

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what this machine offers, which engine runs, and whether it computes right.",
        discussion: """
            For every precision, products are compared with sums in double precision, and timed; with a model at hand, \
            the last column is the share of that rate which its encoder reaches on texts of \(Self.length) tokens.

            Exit status 1 when the self-test fails, or no engine or no such model can be loaded.
            """)

    @Argument(
        help: "A directory or the name of a model whose encoder is timed (default: one of the store).",
        completion: .directory)
    var model: String?

    @OptionGroup var threads: ThreadOption

    private static let length = 27
    /// Enough texts for many batches.
    private static let texts = 108

    func run() throws {
        try reportingFailures {
            try StandardOutput.print("graft         \(Version.text)")
            try StandardOutput.print("cores         \(ThreadPool.cores)")
            for engine in MatrixEngine.allCases {
                let state = engine.reasonUnavailable.map { "not available: \($0)" } ?? engine.details
                try StandardOutput.print("\(engine.rawValue)".padded(to: 14) + state)
            }
            let store = ModelStore()
            try StandardOutput.print("store         \(store.root)")
            let models = store.repositories.sorted()
            try StandardOutput.print(
                "models        \(models.isEmpty ? "none; try: graft fetch all-MiniLM-L6-v2" : models.joined(separator: ", "))"
            )
            try threads.apply()
            let engine = MatrixEngine.current
            try StandardOutput.print(
                "engine        \(engine.rawValue) \(engine.details), \(ThreadPool.shared.threads.counted("thread"))")
            for reason in Precision.allCases.compactMap(\.reasonUnavailable) {
                try StandardOutput.print("refused       \(reason)")
            }
            let name = model ?? models.first { $0.hasSuffix("/all-MiniLM-L6-v2") } ?? models.first
            try measure(name.map { try store.resolve($0) }, named: name)
        }
    }

    /// Prints a table with a row for every precision, and the result of the self-test.
    private func measure(_ directory: ModelDirectory?, named name: String?) throws {
        var table = Table(["\nprecision", "GFLOP/s", "largest error", "encoder", "sentences/s"])
        var failures: [String] = []
        var note: String?
        for precision in Precision.available {
            let test = EngineSelfTest(precision)
            if !test.panelsAgree { failures.append("\(precision.rawValue): panels of columns differ from whole rows") }
            if test.largestError >= test.tolerance {
                failures.append(
                    "\(precision.rawValue): largest relative error \(test.largestError), allowed \(test.tolerance)")
            }
            var row = [precision.rawValue, "", scientific(test.largestError), "", ""]
            do throws(ModelError) {
                if let directory, failures.isEmpty {
                    let benchmark = try EncoderBenchmark(directory, precision: precision)
                    let length = min(Self.length, benchmark.positions)
                    note = "\(name ?? ""), texts of \(length) tokens; share of the products' rate"
                    let cell = benchmark.measure(length: length, batchSize: Self.texts, rounds: 3, seconds: 0.3)
                        .best
                    row[1] = fixed(cell.engineGigaflopsPerSecond, 0)
                    row[3] = "\(fixed(100 * cell.shareOfEngine, 0)) %"
                    row[4] = fixed(cell.sentencesPerSecond, 0)
                }
            } catch {
                // What stands in the store is not what was asked for.
                if model != nil { throw error }
                note = "not timed: \(error)"
            }
            if row[1].isEmpty { row[1] = fixed(EngineSelfTest.Rate(precision).gigaflopsPerSecond(), 0) }
            table.add(row)
        }
        try StandardOutput.print(table.text)
        if let note { try StandardOutput.print("encoder       \(note)") }
        try StandardOutput.print(
            "self-test     \(failures.isEmpty ? "passed" : "FAILED: " + failures.joined(separator: "; "))")
        if !failures.isEmpty { throw ExitCode.failure }
    }
}
