import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("SwitchedClassifiers")
struct SwitchedClassifiersTests {
    private let scratch: TemporaryDirectory
    private let base: ModelDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        base = ModelDirectory(try TinyModel.make(in: scratch, named: "base"))
    }

    /// Every kind of part that an adapter may have, with heads of several kinds.
    private static let kinds: [(name: String, adapter: AdapterConfiguration, labels: [String], problem: ProblemType)] =
        [
            ("topics", .lora(LoRAConfiguration()), ["art", "sport", "trade"], .singleLabel),
            ("mood", .ia3(IA3Configuration()), ["bad", "good"], .singleLabel),
            ("tags", .prompt(AdapterClassifierTests.small(PromptConfiguration())), ["a", "b"], .multiLabel),
            ("stars", .prefix(AdapterClassifierTests.small(PrefixConfiguration())), ["stars"], .regression),
            ("tone", .bottleneck(.pfeiffer), ["cold", "warm"], .singleLabel),
        ]

    /// Writes an adapter whose values are nowhere those that it starts with, as after training.
    private func write(_ index: Int, name: String? = nil) throws {
        let (own, kind, labels, problem) = Self.kinds[index]
        let random = RandomSource(seed: UInt64(index + 1))
        let classifier = try SequenceClassifier(pretrained: base, labels: labels, problem: problem, random: random)
        if case .bottleneck = kind {
            try classifier.encoder.attach(kind, name: "task", from: ParameterSource(nil, random: random))
        } else {
            try classifier.attach(kind, random: random)
        }
        for parameter in try #require(classifier.encoder.activeAdapter).parameters {
            parameter.update { $0 += random.normalTensor($0.shape, standardDeviation: 0.1) }
        }
        try classifier.write(to: scratch(name ?? own), record: [:])
    }

    private func directory(_ name: String) -> ModelDirectory { ModelDirectory(scratch(name)) }

    private func isSame(_ a: [Float], _ b: [Float]) -> Bool {
        let tolerance: Float = MatrixEngine.current.hasIndependentRows ? 0 : 1e-5
        return a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
    }

    @Test("adapters of every kind take turns on one base, and each says what it says alone")
    func turns() throws {
        for index in Self.kinds.indices { try write(index) }
        let names = Self.kinds.map(\.name)
        let switched = try SwitchedClassifiers(names.map { ($0, directory($0)) }, on: base)
        #expect(switched.names == names)
        #expect(switched.classifiers.map(\.labels) == Self.kinds.map(\.labels))
        #expect(switched.classifiers.map(\.problem) == Self.kinds.map(\.problem))
        #expect(switched.classifiers.allSatisfy { $0.encoder === switched.classifiers[0].encoder })
        try switched.freeze()
        let texts = ["the film was good", "dull plot!", "very warm", "cold", "the very fine film was bad."]
        let inputs = (0..<60).map { InputText(text: texts[$0 % texts.count]) }
        let choices = (0..<60).map { ($0 * 7 + $0 / 9) % names.count }
        // Twice: the second window begins with another adapter than the first.
        for _ in 0..<2 {
            let scores = switched.scores(of: inputs, by: choices)
            for (index, name) in names.enumerated() {
                let alone = try SequenceClassifier(directory(name))
                let expected = alone.scores(alone.logits(of: inputs))
                for place in choices.indices where choices[place] == index {
                    #expect(isSame(scores[place], Array(expected.row(place))), "\(name), text \(place)")
                }
            }
        }
        #expect(switched.scores(of: [], by: []) == [])
    }

    @Test("adapters that call themselves the same are told apart by their directories")
    func sameNames() throws {
        try write(4, name: "one")
        try write(4, name: "two")
        let path = scratch("two/adapter.safetensors")
        let archive = try SafeTensors(path)
        try SafeTensors.write(
            archive.entries.map { entry in
                var value = try archive.tensor(entry)
                value.scale(by: -3)
                return (entry.name, value)
            }, to: path)
        let switched = try SwitchedClassifiers(["one", "two"].map { ($0, directory($0)) }, on: base)
        try switched.freeze()
        let input = InputText(text: "the film was good")
        let scores = switched.scores(of: [input, input], by: [0, 1])
        #expect(scores[0] != scores[1])
        for (index, name) in ["one", "two"].enumerated() {
            let alone = try SequenceClassifier(directory(name))
            #expect(isSame(scores[index], Array(alone.scores(alone.logits(of: [input])).row(0))))
        }
    }

    @Test("each classifier is used as its own directory says")
    func records() throws {
        for index in [0, 2] { try write(index) }
        for (name, length) in [("topics", 7), ("tags", 9)] {
            let path = scratch("\(name)/graft.json")
            var record = try JSONFile(path, purpose: "the test")
            record.object["max_length"] = .integer(length)
            try record.write(to: path)
        }
        let switched = try SwitchedClassifiers(["topics", "tags"].map { ($0, directory($0)) }, on: base)
        try switched.forEach { classifier throws(CheckpointError) in try classifier.applyRecord() }
        #expect(switched.classifiers.map(\.maxLength) == [7, 9])
        // A prompt takes places.
        #expect(switched.classifiers[1].encoder.maxTokens == switched.classifiers[0].encoder.architecture.maxTokens - 3)
    }

    @Test("records come in the order of the lines, with the name of the adapter")
    func rendering() throws {
        for index in [0, 3] { try write(index) }
        let switched = try SwitchedClassifiers(["topics", "stars"].map { ($0, directory($0)) }, on: base)
        try switched.freeze()
        let records = SwitchedClassificationRecords(switched, topK: 2)
        let adapters = ["stars", "topics", "topics", "stars"]
        var items: [RecordStream.Item] = adapters.enumerated().map { index, name in
            (index, .success(InputText(text: "good", id: .integer(10 + index), adapter: .string(name))))
        }
        items.append((4, .failure(.missingText(line: 5))))
        let lines = try records.render(items).split(separator: UInt8(ascii: "\n")).map { try JSON(parsing: Array($0)) }
        #expect(lines.map { $0["index"]?.integer } == [0, 1, 2, 3, 4])
        #expect(lines.map { $0["id"]?.integer } == [10, 11, 12, 13, nil])
        #expect(lines.map { $0["adapter"]?.string } == adapters + [nil])
        #expect(lines.map { $0["value"] != nil } == [true, false, false, true, false])
        func scored(_ line: JSON) -> Int { Self.kinds[0].labels.count { line["scores"]?[$0] != nil } }
        #expect(lines.map(scored) == [0, 2, 2, 0, 0])
        #expect(lines[4]["error"] != nil)
    }

    @Test("a line without an adapter, or with one that is not known, is answered with those that are")
    func faults() throws {
        for index in [0, 1] { try write(index) }
        let known = ["topics", "mood"]
        let records = SwitchedClassificationRecords(
            try SwitchedClassifiers(known.map { ($0, directory($0)) }, on: base))
        func fault(_ adapter: JSON?) -> LineFault? { records.fault(InputText(text: "x", adapter: adapter), line: 3) }
        #expect(fault(.string("mood")) == nil)
        #expect(fault(nil) == .missingAdapter(line: 3, known: known))
        #expect(fault(.null) == .missingAdapter(line: 3, known: known))
        #expect(fault(.integer(1)) == .wrongType(line: 3, member: "adapter"))
        #expect(fault(.string("Mood")) == .unknownAdapter(line: 3, name: "Mood", known: known))
        #expect(
            fault(.string("Mood"))?.description == "line 3: there is no adapter \"Mood\"; expected topics, mood")
    }

    @Test("an adapter of another base, and what is none, are refused by their directories")
    func refusals() throws {
        for index in [0, 4] { try write(index) }
        let names = ["topics", "tone"]
        #expect(throws: ModelError.isNoAdapter(base.path)) {
            try SwitchedClassifiers([("topics", directory("topics")), ("base", base)], on: base)
        }
        #expect(try SwitchedClassifiers.base(of: base) == nil)
        for name in names { #expect(try SwitchedClassifiers.base(of: directory(name))?.path == base.path) }
        try TinyModel.changeWeights(of: base.path)
        let error = #expect(throws: ModelError.self) {
            try SwitchedClassifiers(names.map { ($0, directory($0)) }, on: base)
        }
        guard case .otherBase(scratch("topics"), base.path, _, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
