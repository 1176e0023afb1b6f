import Checkpoints
import Embeddings
import FoundationEssentials
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("Checkpoints of runs")
struct RunCheckpointTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private static func configuration(
        _ method: FineTuning.Method = .full, _ change: (inout FineTuning.Configuration) -> Void = { _ in }
    ) -> FineTuning.Configuration {
        var configuration = FineTuning.Configuration(method: method, seed: 1)
        configuration.epochs = 3
        configuration.learningRate = 2e-3
        configuration.batchSize = 8
        configuration.optimization.headSolver = .steps
        change(&configuration)
        return configuration
    }

    /// Everything that keeps something from step to step.
    static let configurations: [FineTuning.Configuration] = [
        configuration(), configuration(.head), configuration(.gradual),
        configuration {
            $0.evaluationSteps = 2
            $0.optimization.averageDecay = 0.9
            $0.optimization.mixout = 0.3
            $0.optimization.startingPointPenalty = 0.1
        },
        configuration {
            $0.optimization.algorithm = .adafactor
            $0.optimization.accumulation = 2
        },
        configuration {
            $0.optimization.algorithm = .lion
            // Bad enough for the best weights to be early ones.
            $0.learningRate = 0.02
            $0.evaluationSteps = 3
        },
    ]

    private func run(
        _ configuration: FineTuning.Configuration = configuration(), in name: String = "out", examples: Int = 48,
        model: String = "tiny-bert-gelu", checkpoints: Bool = true, resumes: Bool = false,
        every interval: FineTuning.Checkpoints.Interval = .steps(3), stoppingAfter steps: Int? = nil,
        report: (FineTuning.Event) -> Void = { _ in }, delivering: () throws(CheckpointError) -> Void = {}
    ) throws -> (weights: [Tensor], outcome: FineTuning.Outcome) {
        let data = try LabelledExamples(scratch.write(TinyModel.examples(examples), to: "train.tsv"))
        let dev = try LabelledExamples(scratch.write(TinyModel.examples(24), to: "dev.tsv"))
        let directory = try TinyModel.make(model, in: scratch, named: model)
        let classifier = try SequenceClassifier(
            pretrained: ModelDirectory(directory), labels: data.labels(for: .singleLabel),
            random: RandomSource(seed: 1))
        var taken = 0
        func isInterrupted() -> Bool { taken == steps }
        let tuning = try FineTuning(classifier, configuration, keepingBestIn: scratch.path)
        let outcome = try tuning.run(
            train: FineTuning.Examples(data, classifier.targets(data), classifier),
            dev: FineTuning.Examples(dev, classifier.targets(dev), classifier),
            checkpoints: checkpoints
                ? FineTuning.Checkpoints(beside: scratch(name), every: interval, resumes: resumes) : nil,
            isInterrupted: isInterrupted
        ) { event in
            if case .step = event { taken += 1 }
            report(event)
        }
        try tuning.deliver(delivering)
        return (classifier.parameters.map(\.value), outcome)
    }

    @Test("a run that is interrupted again and again ends as one that is left alone", arguments: configurations)
    func resuming(configuration: FineTuning.Configuration) throws {
        let whole = try run(configuration, checkpoints: false)
        for steps in [2, 7] {
            var interruptions = 0
            var last: (weights: [Tensor], outcome: FineTuning.Outcome)?
            while last == nil {
                do { last = try run(configuration, resumes: true, every: .never, stoppingAfter: steps) } catch {
                    guard case .interrupted(_, let checkpoint) = error as? FineTuning.Failure else { throw error }
                    #expect(checkpoint == scratch("out.checkpoint"))
                    interruptions += 1
                    try #require(interruptions < 100)
                }
            }
            let resumed = try #require(last)
            #expect(interruptions > 0)
            #expect(resumed.weights == whole.weights)
            #expect(resumed.outcome.evaluations == whole.outcome.evaluations)
            #expect(resumed.outcome.kept == whole.outcome.kept)
            // Its checkpoint is gone.
            #expect(throws: Never.self) { try CheckpointFolder(scratch("out.checkpoint"), resumes: false) }
        }
    }

    @Test("what a run did after its last checkpoint is done again, and ends the same")
    func lostSteps() throws {
        var steps: [Int] = []
        func copy(_ step: Int) -> String { scratch("copy-\(step)").string }
        let whole = try run { event in
            guard case .checkpoint(let path, let step) = event else { return }
            steps.append(step)
            try? FileManager.default.copyItem(atPath: path.string, toPath: copy(step))
        }
        // 18 steps; the last one is no checkpoint, since the run ends.
        #expect(steps == [3, 6, 9, 12, 15])
        for step in steps {
            try FileManager.default.moveItem(atPath: copy(step), toPath: scratch("out.checkpoint").string)
            var resumedAt: Int?
            let resumed = try run(resumes: true) { if case .resumed(_, _, let step) = $0 { resumedAt = step } }
            #expect(resumedAt == step)
            #expect(resumed.weights == whole.weights)
            #expect(resumed.outcome.evaluations == whole.outcome.evaluations)
        }
    }

    private func interrupt() {
        #expect(throws: FineTuning.Failure.interrupted(step: 4, checkpoint: scratch("out.checkpoint"))) {
            try run(stoppingAfter: 4)
        }
    }

    @Test("a result that cannot be written becomes the checkpoint, which the run then takes it from")
    func fullDisk() throws {
        let configuration = Self.configurations[5]
        let full = CheckpointError.unwritable(scratch("out"), .noSpace)
        let whole = try run(configuration, checkpoints: false)
        #expect(throws: FineTuning.Failure.output(full, checkpoint: scratch("out.checkpoint"))) {
            try run(configuration, every: .never, delivering: { () throws(CheckpointError) in throw full })
        }
        var steps = 0
        let resumed = try run(configuration, resumes: true) { if case .step = $0 { steps += 1 } }
        #expect(steps == 0)
        #expect(resumed.weights == whole.weights && resumed.outcome.kept == whole.outcome.kept)
    }

    private func refusal(_ body: () throws -> Void) -> RunCheckpointError? {
        do { try body() } catch {
            if case .checkpoint(let refusal) = error as? FineTuning.Failure { return refusal }
        }
        return nil
    }

    @Test("a file in the place of the checkpoints' directory is named for what it is")
    func fileInPlace() throws {
        let file = try scratch.write("x", to: "file.checkpoint")
        #expect(throws: RunCheckpointError.file(.unwritable(file, .notDirectory))) {
            try CheckpointFolder(file, resumes: false)
        }
    }

    @Test("a checkpoint that is there is neither used nor overwritten unasked")
    func unasked() throws {
        interrupt()
        let refusal = refusal { _ = try run() }
        #expect(refusal == .exists(scratch("out.checkpoint")))
        #expect("\(try #require(refusal))".contains("--resume"))
        #expect(throws: RunCheckpointError.exists(scratch("out.checkpoint"))) {
            try FineTuning.Checkpoints(beside: scratch("out")).checkPlace()
        }
        #expect(throws: Never.self) { try run(in: "another") }
    }

    @Test("a checkpoint of another run is refused, and what differs is named")
    func otherRun() throws {
        interrupt()
        func differences(_ body: () throws -> Void) -> [String]? {
            if case .otherRun(scratch("out.checkpoint"), let differences) = refusal(body) { differences } else { nil }
        }
        #expect(differences { _ = try run(examples: 50, resumes: true) } == ["the training data"])
        let rate = Self.configuration { $0.learningRate = 1e-3 }
        #expect(
            differences { _ = try run(rate, resumes: true) } == ["learning rate (0.002 in the checkpoint, 0.001 now)"])
        let decay = Self.configuration { $0.optimization.averageDecay = 0.5 }
        #expect(
            differences { _ = try run(decay, resumes: true) }
                == ["average decay (none in the checkpoint, 0.5 now)"])
        let warmup = Self.configuration { $0.optimization.warmup = .steps(3) }
        #expect(
            differences { _ = try run(warmup, resumes: true) } == ["warmup (none in the checkpoint, steps 3 now)"])
        let patterns = Self.configuration {
            $0.optimization.patterns = [
                Optimization.Pattern(expression: "bias", rate: 0.002),
                Optimization.Pattern(expression: "Norm.{1,9}", rate: 0.001),
            ]
        }
        #expect(
            differences { _ = try run(patterns, resumes: true) } == [
                "patterns (none in the checkpoint, expression bias rate 0.002, expression \"Norm.{1,9}\" rate 0.001 now)"
            ])
        let weighted = Self.configuration { $0.optimization.objective.classWeights = [1, 0.5] }
        #expect(
            differences { _ = try run(weighted, resumes: true) }
                == ["class weights (none in the checkpoint, 1.0, 0.5 now)"])
        // Values with names of their own do not come as they are written in the source.
        let adapter = Self.configuration { $0.adapter = .lora(LoRAConfiguration()) }
        #expect(differences { _ = try run(adapter, resumes: true) } == ["adapter (none in the checkpoint, lora now)"])
        #expect(differences { _ = try run(model: "tiny-bert-gelu-classifier", resumes: true) } == ["the base model"])
        #expect(throws: Never.self) { try run(resumes: true) }
    }

    @Test("a checkpoint that is damaged, or that another process uses, is refused")
    func unusable() throws {
        interrupt()
        do {
            let folder = try CheckpointFolder(scratch("out.checkpoint"), resumes: true)
            withExtendedLifetime(folder) {
                #expect(refusal { _ = try run(resumes: true) } == .inUse(scratch("out.checkpoint")))
            }
        }
        let checkpoint = try #require(try CheckpointFolder(scratch("out.checkpoint"), resumes: true).latest)
        let advice = "remove \(scratch("out.checkpoint")), and start the run again"
        // Nothing listed, too little, and what is outside.
        for text in ["{}", #"{"crc32":{}}"#, #"{"crc32":{"state.json":1}}"#, #"{"crc32":{"../../x":1}}"#] {
            try scratch.write(text, to: "out.checkpoint/\(checkpoint.lastComponent!.string)/checksums.json")
            let refusal = refusal { _ = try run(resumes: true) }
            #expect(refusal == .damaged(checkpoint), "\(text)")
            #expect("\(try #require(refusal))".contains(advice))
        }
    }

    @Test("a file that is missing in a checkpoint is named, and what to remove; one that is not listed is refused")
    func missingFile() throws {
        // Long enough for best weights in a file of their own.
        #expect(throws: FineTuning.Failure.self) { try run(every: .never, stoppingAfter: 9) }
        let checkpoint = try #require(try CheckpointFolder(scratch("out.checkpoint"), resumes: true).latest)
        for name in ["state.json", "best.safetensors"] {
            let path = checkpoint.appending(name)
            let whole = try #require(contents(of: path))
            try FileManager.default.removeItem(atPath: path.string)
            let refusal = refusal { _ = try run(resumes: true) }
            #expect(refusal == .missing(path))
            #expect("\(try #require(refusal))".contains("remove \(scratch("out.checkpoint")), and start"))
            try scratch.write(whole, to: "out.checkpoint/\(checkpoint.lastComponent!.string)/\(name)")
        }
        let checksums = checkpoint.appending("checksums.json")
        let text = String(decoding: try #require(contents(of: checksums)), as: UTF8.self)
        let lines = text.split(separator: "\n").filter { !$0.contains("best.safetensors") }
        try scratch.write(
            lines.joined(separator: "\n"), to: "out.checkpoint/\(checkpoint.lastComponent!.string)/checksums.json")
        #expect(refusal { _ = try run(resumes: true) } == .damaged(checkpoint))
    }

    @Test("a flipped byte in any file of a checkpoint is noticed, and the file named; put back, the run goes on")
    func flippedByte() throws {
        // Long enough for best weights in a file of their own.
        #expect(throws: FineTuning.Failure.self) { try run(every: .never, stoppingAfter: 9) }
        let checkpoint = try #require(try CheckpointFolder(scratch("out.checkpoint"), resumes: true).latest)
        let files = ["state.json", "weights.safetensors", "optimizer.safetensors", "best.safetensors"]
        #expect(Set(names(in: checkpoint)) == Set(files + ["checksums.json"]))
        for name in files {
            let path = checkpoint.appending(name)
            let whole = try #require(contents(of: path))
            // A digit of the state or a bit of a number: what the readers themselves cannot notice.
            var flipped = whole
            flipped[flipped.count - 5] ^= 1
            let place = "out.checkpoint/\(checkpoint.lastComponent!.string)/\(name)"
            try scratch.write(flipped, to: place)
            let refusal = refusal { _ = try run(resumes: true) }
            #expect(refusal == .changed(path), "\(name)")
            #expect("\(try #require(refusal))".contains("remove \(scratch("out.checkpoint")), and start"))
            try scratch.write(whole, to: place)
        }
        #expect(try run(resumes: true).weights == run(in: "another", checkpoints: false).weights)
    }

    @Test("best weights that two checkpoints share keep the checksum that they were written with")
    func sharedBestWeights() throws {
        let configuration = Self.configurations[5]
        let kept = try run(configuration, checkpoints: false).outcome.kept
        // An early evaluation is the best one: the checkpoints behind it share the file.
        let best = 3 * (kept + 1)
        try #require(best < 16)
        #expect(throws: FineTuning.Failure.self) {
            try run(configuration, every: .steps(1), stoppingAfter: best + 2) { event in
                guard case .checkpoint(let folder, best) = event else { return }
                flipLastBit(of: folder.appending("checkpoint-\(best)/best.safetensors"))
            }
        }
        let checkpoint = try #require(try CheckpointFolder(scratch("out.checkpoint"), resumes: true).latest)
        #expect(
            refusal { _ = try run(configuration, resumes: true) } == .changed(checkpoint.appending("best.safetensors")))
    }

    /// In the file itself, as a disk does, and not in a new one of its name.
    private func flipLastBit(of path: FilePath) {
        guard let last = contents(of: path)?.last, let descriptor = try? FileDescriptor.open(path, .writeOnly) else {
            Issue.record("\(path) is not there")
            return
        }
        _ = try? descriptor.seek(offset: -1, from: .end)
        _ = try? descriptor.writeAll([last ^ 1])
        try? descriptor.close()
    }

    private func names(in directory: FilePath) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
    }

    @Test("a run without a checkpoint keeps others away while it lives, and leaves nothing")
    func place() throws {
        let path = scratch("out.checkpoint")
        do {
            let folder = try CheckpointFolder(path, resumes: false)
            #expect(throws: RunCheckpointError.inUse(path)) { try CheckpointFolder(path, resumes: false) }
            #expect(folder.latest == nil)
        }
        #expect(!FileManager.default.fileExists(atPath: path.string))
    }

    @Test("what is not a checkpoint stays, and the directory with it")
    func othersFiles() throws {
        let path = scratch("out.checkpoint")
        let kept: Set = ["notes.txt", "checkpoint-notes", "checkpoint-0", "checkpoint-007", ".checkpoint-x.partial-1"]
        for name in kept { try scratch.write("mine", to: "out.checkpoint/\(name)" + (name == "notes.txt" ? "" : "/x")) }
        do { _ = try CheckpointFolder(path, resumes: false) }
        #expect(Set(names(in: path)) == kept)
        _ = try run()
        #expect(Set(names(in: path)) == kept)
        #expect(contents(of: path.appending("checkpoint-notes/x")) == Array("mine".utf8))
    }

    @Test("one checkpoint is kept, and what a killed process left half-written goes")
    func folder() throws {
        let path = scratch("out.checkpoint")
        let folder = try CheckpointFolder(path, resumes: false)
        for number in 1...3 {
            try folder.write { directory, previous throws(RunCheckpointError) in
                #expect((previous == nil) == (number == 1))
                do throws(CheckpointError) {
                    try AtomicFile.write([UInt8(number)], to: directory.appending("state.json"))
                } catch {
                    throw .file(error)
                }
            }
        }
        #expect(throws: RunCheckpointError.file(.unwritable(path, .noSpace))) {
            try folder.write { _, _ throws(RunCheckpointError) in throw .file(.unwritable(path, .noSpace)) }
        }
        #expect(names(in: path) == ["checkpoint-3"])
        #expect(contents(of: path.appending("checkpoint-3/state.json")) == [3])
        try scratch.write("half", to: "out.checkpoint/.checkpoint-4.partial-12/weights.safetensors")
        try scratch.write("old", to: "out.checkpoint/checkpoint-2/state.json")
        #expect(throws: RunCheckpointError.inUse(path)) { try CheckpointFolder(path, resumes: true) }
        folder.remove()
        #expect(names(in: path) == [])
    }

    @Test("evaluations every few steps: the best one counts, and patience counts them")
    func evaluations() throws {
        let configuration = Self.configuration {
            $0.epochs = 20
            $0.learningRate = 0.03
            $0.evaluationSteps = 2
            $0.patience = 3
        }
        let outcome = try run(configuration).outcome
        for (index, evaluation) in outcome.evaluations.enumerated() {
            #expect(evaluation.step == 2 * (index + 1))
            #expect(evaluation.epoch == (evaluation.step + 5) / 6)
        }
        #expect(outcome.evaluations.count - 1 == min(outcome.kept + 3, 59))
    }
}
