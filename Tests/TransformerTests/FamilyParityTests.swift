import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// Every family against transformers: tiny checkpoints with their published heads, made by `generate_families.py`.
@Suite("Families against transformers")
struct FamilyParityTests {
    static let directory = Golden.directory("families")

    static let names =
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []).sorted()

    private struct Case {
        let encoder: TransformerEncoder
        let head: ClassificationHead
        let parameters: [Parameter]
        let batch: TokenBatch
        let targets: [Int]
        let expected: SafeTensors
        let json: JSON

        init(_ name: String) throws {
            let directory = ModelDirectory(FamilyParityTests.directory.appending(name))
            let architecture = try EncoderArchitecture(directory.openConfiguration())
            let source = ParameterSource(
                try directory.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
            encoder = try TransformerEncoder(source.root, architecture)
            head = try ClassificationHead(source.root, architecture, labels: 3)
            try source.checkAllUsed { architecture.isBufferOrPretrainingHead($0) }
            parameters = source.parameters
            json = try Golden.json(directory.path)
            var batch = TokenBatch()
            for sequence in GoldenParityTests.sequences(json) {
                batch.append(sequence.ids, tokenTypeIDs: sequence.types)
            }
            self.batch = batch
            targets = (json["sequences"]?.array ?? []).compactMap { $0["label"]?.integer }
            expected = try SafeTensors(directory.path.appending("expected.safetensors"))
        }

        func forward(
            training random: RandomSource? = nil
        ) -> (logits: Tensor, backward: (Tensor) -> Void) {
            let pooling = head.architecture.pooling
            let (hidden, encoderSaved) = encoder.forward(batch, firstOnly: pooling == .first, training: random)
            let (logits, saved) = head.forward(pooling.pool(hidden, batch.sequences), training: random)
            return (
                logits,
                { gradient in
                    encoder.backward(pooling.backward(head.backward(gradient, saved), batch.sequences), encoderSaved)
                }
            )
        }
    }

    @Test("there are goldens of every family")
    func coverage() throws {
        let types = try Set(
            Self.names.map {
                try EncoderArchitecture(ModelDirectory(Self.directory.appending($0)).openConfiguration()).modelType
            })
        #expect(types.union(["bert"]) == Set(EncoderArchitecture.modelTypes))
    }

    @Test("hidden states agree layer by layer, and the inference plan's with them", arguments: names)
    func hiddenStates(name: String) throws {
        let test = try Case(name)
        let layers = test.encoder.architecture.numHiddenLayers
        for (index, rows) in test.batch.sequences.enumerated() {
            var batch = TokenBatch()
            batch.append(test.batch.inputIDs[rows], tokenTypeIDs: test.batch.tokenTypeIDs[rows])
            for (layer, hidden) in test.encoder.hiddenStates(batch).enumerated() {
                guard let entry = test.expected["sequence.\(index).hidden.\(layer)"] else {
                    Issue.record("sequence \(index) has no golden of layer \(layer)")
                    continue
                }
                let golden = try test.expected.tensor(entry)
                #expect(hidden.relativeDifference(from: golden) < 1e-5, "sequence \(index), layer \(layer)")
            }
            #expect(test.expected["sequence.\(index).hidden.\(layers + 1)"] == nil, "all layers were compared")
        }
        let together = test.encoder.forward(test.batch).output
        let firsts = test.encoder.forward(test.batch, firstOnly: true).output
        let plan = InferencePlan(test.encoder, precision: .f32)
        #expect(plan.encode(test.batch).relativeDifference(from: together) < 2e-5, "the inference plan")
        let firstRows = together.gather(test.batch.sequences.map { Int32($0.lowerBound) })
        #expect(firsts.relativeDifference(from: firstRows) < 1e-5, "the first tokens without the rest")
        #expect(plan.encode(test.batch, firstOnly: true).relativeDifference(from: firstRows) < 1e-5, "the plan's")
    }

    @Test("logits, loss and the gradient of every parameter agree", arguments: names)
    func gradients(name: String) throws {
        let test = try Case(name)
        let (logits, backward) = test.forward()
        #expect(logits.relativeDifference(from: try test.expected.values("logits")) < 1e-5)
        let (loss, gradient) = CrossEntropyLoss.evaluate(logits, targets: test.targets)
        #expect(abs(Float(loss) - (try test.expected.values("loss").values[0])) < 1e-5)
        backward(gradient)
        try expectGradients(of: test.parameters, agreeWith: test.expected)
    }

    @Test("ten steps of AdamW follow torch's losses", arguments: names)
    func training(name: String) throws {
        let test = try Case(name)
        let optimizer = Optimizer(test.parameters)
        let peak = try #require(test.json["peakLearningRate"]?.number)
        let schedule = LearningRateSchedule(peak: peak, warmupSteps: 3, steps: 10)
        var losses: [Double] = []
        for step in 0..<10 {
            let (logits, backward) = test.forward()
            let (loss, gradient) = CrossEntropyLoss.evaluate(logits, targets: test.targets)
            losses.append(loss)
            backward(gradient)
            optimizer.step(learningRate: schedule.learningRate(at: step))
            optimizer.clearGradients()
        }
        let golden = test.json["losses"]?.numbers ?? []
        #expect(golden.count == 10)
        for (found, expected) in zip(losses, golden) { #expect(abs(found - expected) < 1e-4, "\(losses), \(golden)") }
    }

    @Test("recomputed activations give the same gradients, dropout included", arguments: names)
    func recomputation(name: String) throws {
        func gradients(recomputes: Bool) throws -> [Tensor] {
            let test = try Case(name)
            test.encoder.recomputesActivations = recomputes
            let (logits, backward) = test.forward(training: RandomSource(seed: 4))
            backward(CrossEntropyLoss.evaluate(logits, targets: test.targets).gradient)
            return test.parameters.map { $0.gradient?.dense ?? .zeros([0]) }
        }
        #expect(try gradients(recomputes: true) == gradients(recomputes: false))
    }
}
