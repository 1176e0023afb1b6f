import Tensors
import TestSupport
import Testing
import Transformer

@Suite("Training")
struct TrainingTests {
    @Test("cross-entropy and its gradient are the ones worked by hand")
    func crossEntropy() {
        // softmax(0, ln 3) = (1/4, 3/4)
        let logits = Tensor([2, 2], [0, 1.098_612_3, 1.098_612_3, 0])
        let (loss, gradient) = CrossEntropyLoss.evaluate(logits, targets: [1, 1])
        #expect(abs(loss - (0.287_682_07 + 1.386_294_4) / 2) < 1e-6)
        #expect(gradient.largestDifference(from: Tensor([2, 2], [0.125, -0.125, 0.375, -0.375])) < 1e-6)
    }

    @Test("the linear schedule rises from zero, peaks after the warm-up, and ends at zero")
    func schedule() {
        let schedule = LearningRateSchedule(peak: 1, warmupSteps: 2, steps: 6)
        #expect((0...6).map(schedule.learningRate) == [0, 0.5, 1, 0.75, 0.5, 0.25, 0])
        #expect(LearningRateSchedule(peak: 2, warmupSteps: 0, steps: 2).learningRate(at: 0) == 2)
    }

    @Test("weight decay spares biases and normalizations")
    func decay() {
        func isSpared(_ name: String, _ shape: Shape) -> Bool {
            ParameterGroup.isSparedByWeightDecay(Parameter(name, .zeros(shape)))
        }
        #expect(isSpared("bert.encoder.layer.0.output.LayerNorm.weight", [4]))
        #expect(isSpared("model.layers.0.attn_norm.weight", [4]))
        #expect(isSpared("classifier.bias", [2]))
        #expect(isSpared("mpnet.encoder.relative_attention_bias.weight", [32, 2]))
        #expect(!isSpared("classifier.weight", [2, 4]))
        #expect(!isSpared("bert.embeddings.word_embeddings.weight", [9, 4]))
    }

    @Test("gradients are scaled down to the norm that is allowed, over all parameters together")
    func clipping() {
        let a = Parameter("a.weight", Tensor([1], [0]))
        let b = Parameter("b.weight", Tensor([1], [0]))
        a.accumulate { $0 = Tensor([1], [3]) }
        b.accumulate { $0 = Tensor([1], [4]) }
        let optimizer = Optimizer([a, b])
        #expect(abs(optimizer.step(learningRate: 0.1) - 5) < 1e-6)
        // The first step of Adam is the sign of the gradient, whatever its size.
        #expect(abs(a.value.values[0] + 0.1) < 1e-5 && abs(b.value.values[0] + 0.1) < 1e-5)
        optimizer.clearGradients()
        #expect(a.gradient == nil && b.gradient == nil)
    }
}
