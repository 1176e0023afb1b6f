import JSON
import SystemPackage
import Tasks
import TestSupport
import Testing

@Suite("MetricsLog")
struct MetricsLogTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func step(_ step: Int, loss: Double = 0.5) -> TrainingHistory.Entry {
        .step(
            TrainingHistory.Step(
                step: step, epoch: 1, loss: loss, learningRate: 1e-5, gradientNorm: 2, samplesPerSecond: 100))
    }

    private func evaluation(_ step: Int) -> TrainingHistory.Entry {
        .evaluation(
            TrainingHistory.Evaluation(
                step: step, epoch: 1, trainingLoss: 0.4, dev: ["accuracy": .number(0.75)], isBest: true))
    }

    private var lines: [JSON] {
        get throws {
            try contents(of: scratch("metrics.jsonl"))!.split(separator: 0x0A).map { try JSON(parsing: Array($0)) }
        }
    }

    @Test("every entry is a line at once, and reads back as it was")
    func appending() throws {
        let log = try MetricsLog(scratch("metrics.jsonl"))
        let entries = [step(1), evaluation(1), .event("checkpoint", step: 2, detail: "x"), step(3)]
        for (index, entry) in entries.enumerated() {
            log.append(entry)
            #expect(try self.lines.count == index + 1)
        }
        #expect(try self.lines.map { TrainingHistory.Entry($0) } == entries)
        #expect(log.history.entries == entries && log.failure == nil)
        #expect(try self.lines[0]["kind"] == .string("step") && self.lines[0]["learningRate"] == .number(1e-5))
    }

    @Test("a run that goes on keeps the lines up to its checkpoint, and drops the rest with a half written line")
    func resuming() throws {
        do {
            let log = try MetricsLog(scratch("metrics.jsonl"))
            for entry in [step(1), step(2), evaluation(2), step(3, loss: 9)] { log.append(entry) }
        }
        try scratch.write(contents(of: scratch("metrics.jsonl"))! + Array("{\"kind\":\"st".utf8), to: "metrics.jsonl")
        let log = try MetricsLog(scratch("metrics.jsonl"), resumingAt: 2)
        log.append(step(3))
        #expect(log.history.entries == [step(1), step(2), evaluation(2), step(3)])
        #expect(try self.lines.map { TrainingHistory.Entry($0) } == log.history.entries)
        #expect(log.history.best?.step == 2)
        #expect(try MetricsLog(scratch("metrics.jsonl")).history.entries.isEmpty)
    }

    @Test("a run that went back takes back its later steps, and what it says then counts")
    func rollback() throws {
        let log = try MetricsLog(scratch("metrics.jsonl"))
        let back = TrainingHistory.Entry.event("rolledBack", step: 2, detail: "diverged in step 4")
        for entry in [step(1), step(2), step(3, loss: 9), evaluation(3), back, step(3)] { log.append(entry) }
        #expect(log.history.entries == [step(1), step(2), back, step(3)])
        #expect(try self.lines.count == 6)
        #expect(try MetricsLog(scratch("metrics.jsonl"), resumingAt: 3).history == log.history)
    }

    @Test("logs stay where a run can go on, and go on at its checkpoint")
    func checkpoints() throws {
        func step(_ step: Int) -> FineTuning.Event {
            .step(
                FineTuning.Step(
                    epoch: 1, step: step, steps: 9, loss: Double(step), learningRate: 1e-5, gradientNorm: 1,
                    samplesPerSecond: 10))
        }
        let interruption = FineTuning.Failure.interrupted(step: 3, checkpoint: scratch("checkpoint"))
        #expect(throws: interruption) {
            let logs = try RunLogs(in: scratch("run"))
            try logs.keptWithCheckpoint { () throws(FineTuning.Failure) in
                for number in 1...3 { logs.record(step(number)) }
                throw interruption
            }
        }
        // A run that is refused before it begins, as one with other settings is.
        let refusal = FineTuning.Failure.interrupted(step: 0, checkpoint: nil)
        #expect(throws: refusal) {
            try RunLogs(in: scratch("run")).keptWithCheckpoint { () throws(FineTuning.Failure) in throw refusal }
        }
        do {
            let logs = try RunLogs(in: scratch("run"))
            logs.record(.resumed(scratch("checkpoint"), epoch: 1, step: 2))
            logs.record(step(3))
            #expect(logs.history.steps.map(\.step) == [1, 2, 3] && logs.failure == nil)
            try scratch.write("", to: "out/config.json")
            try logs.move(to: scratch("out"))
        }
        #expect(scratch.names == ["out"])
        #expect(contents(of: scratch("out/metrics.jsonl"))?.count { $0 == 0x0A } == 4)
    }

    @Test("files of others stay where they are when logs move or go")
    func othersFiles() throws {
        try scratch.write("mine", to: "run/notes.txt")
        try scratch.write("mine", to: "run/runs/mine.txt")
        let step = FineTuning.Event.step(
            FineTuning.Step(
                epoch: 1, step: 1, steps: 9, loss: 1, learningRate: 1e-5, gradientNorm: 1, samplesPerSecond: 10))
        do { try RunLogs(in: scratch("run")).record(step) }
        #expect(scratch.names == ["run"])
        #expect(contents(of: scratch("run/runs/mine.txt")) != nil && contents(of: scratch("run/metrics.jsonl")) == nil)
        do {
            let logs = try RunLogs(in: scratch("run"))
            logs.record(step)
            try scratch.write("{}\n", to: "run/search.jsonl")
            try scratch.write("{}", to: "out/config.json")
            try logs.move(to: scratch("out"))
        }
        #expect(contents(of: scratch("run/notes.txt")) == Array("mine".utf8))
        #expect(contents(of: scratch("run/metrics.jsonl")) == nil)
        #expect(contents(of: scratch("out/notes.txt")) == nil)
        #expect(contents(of: scratch("out/metrics.jsonl")) != nil && contents(of: scratch("out/search.jsonl")) != nil)
    }

    @Test("a run that is refused before its first step leaves the logs of the run whose place it wanted")
    func refusedRun() throws {
        let line = try scratch.write("{}\n", to: "run/metrics.jsonl")
        let refusal = FineTuning.Failure.checkpoint(.inUse(scratch("checkpoint")))
        #expect(throws: refusal) {
            let logs = try RunLogs(in: scratch("run"))
            try logs.keptWithCheckpoint { () throws(FineTuning.Failure) in throw refusal }
        }
        #expect(contents(of: line) == Array("{}\n".utf8))
        _ = try RunLogs(in: scratch("new"))
        #expect(scratch.names == ["run"])
    }

    @Test("a line holds the mean loss of several steps; the last steps are not lost")
    func everyThirdStep() throws {
        let logs = try RunLogs(in: scratch("run"), stepsBetweenLines: 3)
        for step in 1...4 {
            logs.record(
                .step(
                    FineTuning.Step(
                        epoch: 1, step: step, steps: 4, loss: Double(step), learningRate: 1e-5, gradientNorm: 1,
                        samplesPerSecond: 10)))
        }
        #expect(logs.history.steps.map(\.step) == [3, 4] && logs.history.steps.map(\.loss) == [2, 4])
        #expect(scratch.names.contains("run"))
    }
}

@Suite("TensorBoardLog")
struct TensorBoardLogTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.filter { $0 != " " && $0 != "\n" })
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(String(digits[$0...($0 + 1)]), radix: 16)! }
    }

    private static let expected = """
        1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b3531100f000000000000006d532b09
        0900002040fc54d94110073a0208019beb06a75000000000000000940f9b820900002040fc54d94110072a430a110a0a74726169
        6e2f6c6f7373150000803e0a1a0a13747261696e2f6c6561726e696e675f726174651582a8fb370a120a0b747261696e2f65706f
        6368150000803f228e133453000000000000000d7d4e910900002040fc54d94110ac022a450a170a10747261696e2f65706f6368
        5f6c6f7373150000003f0a140a0d6576616c2f6163637572616379150000603f0a140a0d6576616c2f6d6163726f5f6631150000
        803f6ed26275
        """

    /// By Tests/Golden/check_tensorboard.py --bytes.
    @Test("the bytes are those of TensorBoard's own writer")
    func golden() throws {
        let log = try TensorBoardLog(directory: scratch("runs"), resumingAt: 6) { 1_700_000_000.5 }
        log.append(.step(TrainingHistory.Step(step: 7, epoch: 1, loss: 0.25, learningRate: 3e-5)))
        log.append(
            .evaluation(
                TrainingHistory.Evaluation(
                    step: 300, epoch: 2, trainingLoss: 0.5, dev: ["accuracy": .number(0.875), "macroF1": .integer(1)],
                    isBest: true)))
        let file = scratch("runs").appending("events.out.tfevents.1700000000.graft.0")
        #expect(contents(of: file) == bytes(Self.expected))
    }

    @Test("a second run writes a second file")
    func names() throws {
        for _ in 0..<2 { _ = try TensorBoardLog(directory: scratch("runs")) { 5 } }
        #expect(contents(of: scratch("runs/events.out.tfevents.5.graft.1"))?.count == 40)
    }
}
