public import ArgumentParser
import Checkpoints
public import Embeddings
import FoundationEssentials
import Glibc
import SystemPackage
import Tasks
import Tensors

/// How pairs are made of a few examples.
struct FewShotOptions: ParsableArguments {
    @Option(
        help: """
            With --method fewshot: how many pairs of each kind, those of one label and the others, an epoch has: as many as \
            of the kind that has more (oversampling), or fewer (undersampling), or each pair once (unique) (default: \
            oversampling).
            """)
    var pairs: LabelledPairs.Strategy?

    /// Refuses what does not go with few examples, and what is for them alone.
    func check(_ command: FineTune) throws {
        guard command.method == .fewShot else {
            return try refuse(pairs != nil, "--pairs is for --method fewshot.")
        }
        let asked = given([
            "--folds": command.data.folds != nil, "--search": command.searches.search != nil,
            "--find-learning-rate": command.searches.findLearningRate, "--resume": command.runOptions.resume,
            "--evaluate-every": command.runOptions.evaluateEvery != nil, "--recompute": command.recompute,
            "--augment": command.augmentation.augment != nil, "--drop-duplicates": command.data.dropDuplicates,
            "--dev-share": command.data.devShare != nil,
            "--patience": command.runOptions.patience != nil, "--keep": command.runOptions.keep != nil,
            "--checkpoint-every": command.runOptions.checkpointEvery != nil,
            "--problem-type token_classification": command.problemType == .tokens,
            "--problem-type": command.problem == .multiLabel || command.problem == .regression,
        ])
        // The encoder learns by the optimizer of its own; what the objective says of labels is for the head.
        let options =
            asked + command.objective.givenForSteps + command.objective.givenForEncoder
            + command.optimization.given.filter { $0 != "--max-gradient-norm" }
        try refuse(options) { "--method fewshot does not go with \($0)." }
    }
}

extension LabelledPairs.Strategy: ExpressibleByArgument {}

extension FineTune {
    /// A trained encoder, which is on the disk until the classifier is written.
    struct Body {
        let directory: ModelDirectory
        let trainingSeconds: Double

        func remove() { try? FileManager.default.removeItem(atPath: directory.path.string) }
    }

    /// Trains the encoder on pairs of the examples.
    func trainBody(
        _ data: FineTuningData, _ configuration: FineTuning.Configuration, _ scratch: FilePath
    ) throws -> Body {
        let examples = try LabelledExamples(data.train.file, columns: columns.columns)
        guard data.problem == .singleLabel, !data.hasPairs, case .classes(let labels) = data.trainTargets,
            labels.count == examples.examples.count
        else {
            throw ValidationError(
                "--method fewshot learns single labels of single texts, from all of --train: give --dev a file of its own."
            )
        }
        let body = try FewShotBody(model.resolve(), configuration, fewShot.pairs ?? .oversampling)
        if let maxLength {
            try checkMaxLength(maxLength, positions: body.limit.positions, body.limit.tokenizer)
        }
        let seconds = try FineTuningProgress.following { isInterrupted, report throws(FineTuning.Failure) in
            try body.train(
                examples.texts, labels: labels, maxLength: maxLength, keepingStateIn: scratch,
                isInterrupted: isInterrupted, report: report)
        }
        let path = scratch.appending(".body-\(getpid())-\(UInt32.random(in: 0 ... .max))")
        try body.write(to: path)
        return Body(directory: ModelDirectory(path), trainingSeconds: seconds)
    }
}
