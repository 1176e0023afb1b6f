public import SystemPackage

extension FineTuning {
    /// Where and how often a run writes what it needs to go on.
    public struct Checkpoints: Equatable, Sendable {
        public enum Interval: Equatable, Sendable {
            case steps(Int)
            /// Also at the end of an epoch, unless the last checkpoint is half a minute old or less.
            case seconds(Double)
            /// Only where the run is interrupted.
            case never
        }

        public let directory: FilePath
        public let interval: Interval
        /// Whether to go on with the checkpoint that is there.
        public let resumes: Bool

        /// - Parameter output: what the run makes; the checkpoints are beside it.
        public init(beside output: FilePath, every interval: Interval = .seconds(300), resumes: Bool = false) {
            let output = output.lexicallyNormalized()
            directory = output.removingLastComponent().appending(
                (output.lastComponent?.string ?? "output") + ".checkpoint")
            self.interval = interval
            self.resumes = resumes
        }

        /// Checks, before any work is done, that there is no checkpoint that the run may not use.
        public func checkPlace() throws(RunCheckpointError) {
            if !resumes, CheckpointFolder.holdsCheckpoint(directory) { throw .exists(directory) }
        }

        /// - Parameter seconds: since the last checkpoint.
        func isDue(step: Int, seconds: Double, endsEpoch: Bool) -> Bool {
            switch interval {
            case .never: false
            case .steps(let steps): step % steps == 0
            case .seconds(let interval): seconds >= (endsEpoch ? min(30, interval) : interval)
            }
        }
    }
}
