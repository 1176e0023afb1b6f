public import ArgumentParser
import SystemPackage
public import Tasks

/// How a run is watched, saved and taken up again.
struct RunOptions: ParsableArguments {
    @Option(help: "Evaluate after this many steps (default: at the end of each epoch).")
    var evaluateEvery: Int?

    @Option(
        help: """
            The weights that are written: those with the best dev score (best) or those of the last epoch (last) \
            (default: best; last without dev examples, or with fewer than \(FineTuning.KeptWeights.leastExamples) of \
            them that were set aside from --train).
            """)
    var keep: FineTuning.KeptWeights?

    @Option(
        help: "With --keep best, stop after this many evaluations without a better dev score (default: 3).")
    var patience: Int?

    @Option(
        help: ArgumentHelp(
            """
            Write a checkpoint to OUTPUT.checkpoint after this many steps, seconds, minutes or hours: 500, 90s, 10m, \
            1h; or never, but when interrupted (default: 5m, and at the end of an epoch).
            """,
            valueName: "interval"))
    var checkpointEvery: CheckpointInterval?

    @Flag(help: "Go on with the checkpoint of a run that did not end; start anew where there is none.")
    var resume = false

    func validate() throws {
        if let evaluateEvery, evaluateEvery < 1 {
            throw ValidationError("--evaluate-every is \(evaluateEvery); expected at least 1 step.")
        }
        if let patience, patience < 1 { throw ValidationError("--patience is \(patience); expected at least 1.") }
        if patience != nil, keep == .last {
            throw ValidationError("--patience waits for a better dev score; with --keep last leave it out.")
        }
    }

    /// The options that need a dev set, of those that are given.
    var givenForDev: [String] {
        given(["--patience": patience != nil, "--keep best": keep == .best, "--evaluate-every": evaluateEvery != nil])
    }

    /// Which weights are kept, and when training stops before its end.
    func set(_ configuration: inout FineTuning.Configuration, devExamples: Int?, isSplit: Bool) {
        configuration.patience = patience ?? configuration.patience
        configuration.keeps =
            keep ?? (patience == nil ? FineTuning.KeptWeights(devExamples: devExamples, isSplit: isSplit) : .best)
    }

    func checkpoints(beside output: FilePath) -> FineTuning.Checkpoints {
        FineTuning.Checkpoints(
            beside: output, every: checkpointEvery?.interval ?? .seconds(300), resumes: resume)
    }
}

extension FineTuning.KeptWeights: ExpressibleByArgument {}

/// The value of `--checkpoint-every`.
struct CheckpointInterval: ExpressibleByArgument {
    let interval: FineTuning.Checkpoints.Interval

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
        if argument == "never" {
            interval = .never
        } else if let steps = Int(argument), steps > 0 {
            interval = .steps(steps)
        } else if let unit = argument.last.flatMap({ units[$0] }), let count = Double(argument.dropLast()),
            count > 0, count.isFinite
        {
            interval = .seconds(count * unit)
        } else {
            return nil
        }
    }
}
