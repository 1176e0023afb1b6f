import ArgumentParser
import Checkpoints
import SystemPackage
import Tasks

struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fold adapters into the weights of their base and write a model that stands alone.",
        discussion: """
            Takes LoRA, DoRA and IA3, as PEFT and graft finetune write them. The base is found by the name or path that the \
            adapter's directory says. Of several adapters of one base, the weighted sum of what they add to it is taken. \
            Says how much the logits of the written model differ from the adapter's, over a fixed set of token sequences \
            or the lines of a file.

            Example: graft merge reviews-lora/ --output reviews/
            """)

    @Argument(help: "The directories of adapters of one base.", completion: .directory)
    var adapters: [String]

    @Option(help: "The directory to write; it must not exist.", completion: .directory)
    var output: String

    @Option(
        help:
            "How much of each adapter is taken, with commas between the numbers (default: equal parts with the sum 1).")
    var weights: String?

    @Option(
        help: "A file with texts, one a line, to compare on (default: made-up token sequences).", completion: .file())
    var texts: String?

    @OptionGroup var threads: ThreadOption

    func validate() throws {
        if output.isEmpty { throw ValidationError("--output is empty; expected a directory to write.") }
        guard let weights else { return }
        let numbers = parsedWeights ?? []
        guard numbers.count == adapters.count, numbers.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw ValidationError(
                "--weights is \"\(weights)\"; expected a positive number for each of \(adapters.count) adapters.")
        }
    }

    private var parsedWeights: [Double]? {
        weights.map { $0.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? .nan } }
    }

    func run() throws {
        try reportingFailures {
            try threads.apply()
            try AtomicDirectory.checkAbsence(of: FilePath(output))
            let compared = try texts.map { try TextLines(FilePath($0)).texts } ?? []
            let merge = try AdapterMerge(
                adapters.map { try ModelStore().resolve($0) }, weights: parsedWeights)
            // Up to here nothing is written, and a signal ends the program at once.
            _ = try Signals.catchInterruption()
            let result = try merge.write(to: FilePath(output), comparingOn: compared) { Signals.isInterrupted }
            let what = result.hasHead ? "logit" : "hidden state"
            for (adapter, difference) in zip(adapters, result.differences) {
                StandardError.note(
                    "over \(result.sequences) sequences, the largest difference of a \(what) from \(adapter) is \(difference)"
                )
            }
            try StandardOutput.print(output)
        }
    }
}
