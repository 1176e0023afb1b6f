import ArgumentParser
import Checkpoints
import Tasks
import Tensors

struct Doctor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what this machine offers, which engine runs, and whether it computes right.",
        discussion: "Exit status 1 when the self-test fails or no engine can be loaded.")

    @OptionGroup var threads: ThreadOption

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
            try StandardOutput.print(
                "engine        \(MatrixEngine.current.rawValue), \(ThreadPool.shared.threads) threads")
            let test = EngineSelfTest.run()
            try StandardOutput.print(
                "speed         \(fixed(test.gigaflopsPerSecond, 0)) GFLOP/s in f32 products of [512, 384] and [384, 1536]"
            )
            try StandardOutput.print(
                "self-test     \(test.passed ? "passed" : "FAILED"): largest relative error \(test.largestError)")
            if !test.passed { throw ExitCode.failure }
        }
    }
}
