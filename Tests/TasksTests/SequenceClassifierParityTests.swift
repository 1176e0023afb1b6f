import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

/// The classifier against transformers' `BertForSequenceClassification` and torch's AdamW.
@Suite("SequenceClassifier against transformers")
struct SequenceClassifierParityTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    /// The goldens have no tokenizer, which a classifier needs to load: any of the right size will do.
    private func load(_ name: String) throws -> SequenceClassifier {
        let golden = Golden.directory(name)
        for file in ["config.json", "model.safetensors"] {
            try scratch.write(#require(contents(of: golden.appending(file))), to: "\(name)/\(file)")
        }
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"]
        try scratch.write(tokens.joined(separator: "\n") + "\n", to: "\(name)/vocab.txt")
        return try SequenceClassifier(ModelDirectory(scratch(name)))
    }

    private func batch(_ sequences: [JSON]) -> (TokenBatch, targets: [Int]) {
        var batch = TokenBatch()
        for sequence in sequences {
            batch.append(
                (sequence["inputIDs"]?.integers ?? []).map { Int32($0) },
                tokenTypeIDs: (sequence["tokenTypeIDs"]?.integers ?? []).map { Int32($0) })
        }
        return (batch, sequences.map { $0["label"]?.integer ?? 0 })
    }

    @Test("gradients of products in bf16 are those of f32 to its rounding")
    func halfGradients() throws {
        guard Precision.bf16.reasonUnavailable == nil else { return }
        let name = "tiny-bert-gelu-classifier"
        let (tokens, targets) = batch(try Golden.json(Golden.directory(name))["sequences"]?.array ?? [])
        func gradients(_ precision: Precision) throws -> [Tensor] {
            let classifier = try load(name)
            classifier.encoder.setPrecision(precision)
            let (logits, saved) = classifier.forward(tokens)
            classifier.backward(CrossEntropyLoss.evaluate(logits, targets: targets).gradient, saved)
            return classifier.parameters.map { $0.gradient?.dense ?? .zeros([0]) }
        }
        for (half, single) in zip(try gradients(.bf16), try gradients(.f32)) {
            let size = single.sumOfSquares.squareRoot()
            var difference = single
            difference.scale(by: -1)
            difference += half
            #expect(difference.sumOfSquares.squareRoot() < 0.03 * size + 1e-6)
        }
    }

    @Test(
        "logits, loss and the gradient of every parameter agree",
        arguments: ["tiny-bert-gelu", "tiny-bert-gelu-new", "tiny-bert-relu", "tiny-bert-silu"])
    func gradients(name: String) throws {
        let name = name + "-classifier"
        let classifier = try load(name)
        let expected = try SafeTensors(Golden.directory(name).appending("expected.safetensors"))
        let (tokens, targets) = batch(try Golden.json(Golden.directory(name))["sequences"]?.array ?? [])
        let (logits, saved) = classifier.forward(tokens)
        #expect(logits.relativeDifference(from: try expected.values("logits")) < 1e-5)
        let (loss, gradient) = CrossEntropyLoss.evaluate(logits, targets: targets)
        #expect(abs(loss - Double(try expected.values("loss").values[0])) < 1e-5)
        classifier.backward(gradient, saved)
        for parameter in classifier.parameters {
            let golden = try expected.values("gradient." + parameter.name)
            let found = try #require(parameter.gradient?.dense, "\(parameter.name) has no gradient")
            if parameter.name.hasSuffix("attention.self.key.bias") {
                // Zero in exact arithmetic: both are rounding.
                #expect(found.values.allSatisfy { abs($0) < 1e-6 })
            } else {
                #expect(found.relativeDifference(from: golden) < 1e-4, "\(parameter.name)")
            }
        }
        #expect(expected.entries.count == classifier.parameters.count + 2)
    }

    @Test("ten steps of AdamW follow torch's losses, norms and weights")
    func training() throws {
        let golden = Golden.directory("tiny-bert-training")
        let expected = try Golden.json(golden)
        let classifier = try load(#require(expected["checkpoint"]?.string))
        let optimizer = Optimizer(classifier.parameters)
        let schedule = LearningRateSchedule(peak: 1e-3, warmupSteps: 3, steps: 10)
        let losses = try #require(expected["losses"]?.numbers)
        let norms = try #require(expected["gradientNorms"]?.numbers)
        let rates = try #require(expected["learningRates"]?.numbers)
        let batches = try #require(expected["batches"]?.array)
        #expect(batches.count == 10)
        for step in 0..<10 {
            let (tokens, targets) = batch(batches[step].array ?? [])
            let (logits, saved) = classifier.forward(tokens)
            let (loss, gradient) = CrossEntropyLoss.evaluate(logits, targets: targets)
            classifier.backward(gradient, saved)
            let norm = optimizer.step(learningRate: schedule.learningRate(at: step))
            optimizer.clearGradients()
            #expect(abs(loss - losses[step]) < 1e-4, "loss of step \(step)")
            #expect(abs(norm - norms[step]) < 1e-3 * norms[step], "gradient norm of step \(step)")
            #expect(abs(schedule.learningRate(at: step) - rates[step]) < 1e-9, "learning rate of step \(step)")
        }
        let final = try SafeTensors(golden.appending("final.safetensors"))
        for parameter in classifier.parameters where !parameter.name.hasSuffix("attention.self.key.bias") {
            #expect(
                parameter.value.largestDifference(from: try final.values(parameter.name)) < 1e-5, "\(parameter.name)")
        }
    }

    @Test("only what can learn is computed: frozen layers get no gradient, those above them the same as before")
    func freezing() throws {
        let name = "tiny-bert-relu-classifier"
        let (tokens, targets) = batch(try Golden.json(Golden.directory(name))["sequences"]?.array ?? [])
        func gradients(frozen: (String) -> Bool) throws -> [String: Tensor] {
            let classifier = try load(name)
            for parameter in classifier.parameters { parameter.isTrainable = !frozen(parameter.name) }
            let (logits, saved) = classifier.forward(tokens)
            classifier.backward(CrossEntropyLoss.evaluate(logits, targets: targets).gradient, saved)
            return Dictionary(
                uniqueKeysWithValues: classifier.parameters.compactMap { parameter in
                    parameter.gradient.map { (parameter.name, $0.dense) }
                })
        }
        let all = try gradients { _ in false }
        let isLow = { (name: String) in
            name.contains("embeddings") || name.contains("layer.0.") || name.contains("layer.1.")
        }
        let high = try gradients(frozen: isLow)
        #expect(high.keys.allSatisfy { !isLow($0) } && high.count == all.keys.count { !isLow($0) })
        #expect(high.allSatisfy { all[$0.key] == $0.value })
        let head = try gradients { $0.hasPrefix("bert.embeddings") || $0.hasPrefix("bert.encoder") }
        #expect(head.count == 4 && head.allSatisfy { all[$0.key] == $0.value })
    }
}
