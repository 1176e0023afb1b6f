import Checkpoints
import Embeddings
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("Mixup")
struct MixupTests {
    @Test("features are weighted means of a text and its partner")
    func features() {
        let mixup = Mixup(share: 0.75, partners: [1, 0, 2])
        let mixed = mixup.mixed(Tensor([3, 2], [0, 4, 8, 0, 5, 5]))
        #expect(mixed == Tensor([3, 2], [2, 3, 6, 1, 5, 5]))
    }

    @Test("gradients follow the differences of the loss")
    func gradients() throws {
        let scratch = try TemporaryDirectory()
        let classifier = try SequenceClassifier(
            pretrained: ModelDirectory(TinyModel.make(in: scratch, named: "model")), labels: ["a", "b"],
            random: RandomSource(seed: 1))
        let texts = ["the film was good", "dull", "a plot of no use"].map {
            TokenizedText($0, classifier.tokenizer, maxLength: 16)
        }
        let batch = TokenBatch(texts.map(\.ids))
        let mixup = Mixup(share: 0.6, partners: [2, 0, 1])
        let targets = Targets.classes([0, 1, 0])
        let objective = TrainingObjective()
        func loss() -> Double {
            classifier.pack()
            return objective.loss(classifier.forward(batch, mixup: mixup).logits, targets, mixup).loss
        }
        classifier.pack()
        let (logits, saved) = classifier.forward(batch, mixup: mixup)
        let (_, gradient) = objective.loss(logits, targets, mixup)
        classifier.backward(gradient, saved)
        var checked = 0
        for parameter in classifier.parameters where parameter.name.hasSuffix("bias") {
            let analytic = Double(try #require(parameter.gradient).dense.values[0])
            var values = (0.0, 0.0)
            parameter.update { $0.add(0.01, at: 0) }
            values.0 = loss()
            parameter.update { $0.add(-0.02, at: 0) }
            values.1 = loss()
            parameter.update { $0.add(0.01, at: 0) }
            let numeric = (values.0 - values.1) / 0.02
            #expect(abs(analytic - numeric) < 2e-3 * max(1, abs(numeric)), "\(parameter.name)")
            checked += 1
        }
        #expect(checked > 4)
    }
}

extension Tensor {
    fileprivate mutating func add(_ value: Float, at index: Int) {
        var values = Array(values)
        values[index] += value
        self = Tensor(shape, values)
    }
}
