import JSON
import Tensors
import TestSupport
import Testing
import Transformer

/// Losses and their gradients against torch's.
@Suite("Losses")
struct LossTests {
    private let goldens: JSON
    private let logits, other, sets, values: Tensor
    private let classes: [Int]
    private let weights: [Double]

    init() throws {
        goldens = try OptimizationGoldens.section("losses")
        (logits, other) = (goldens.tensor("logits", [5, 3]), goldens.tensor("other", [5, 3]))
        (sets, values) = (goldens.tensor("sets", [5, 3]), goldens.tensor("values", [5, 3]))
        classes = goldens["classes"]?.integers ?? []
        weights = goldens["weights"]?.numbers ?? []
    }

    private func expect(
        _ name: String, _ found: (loss: Double, gradient: Tensor), sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try #require(goldens["results"]?[name], sourceLocation: sourceLocation)
        let loss = try #require(expected["loss"]?.number, sourceLocation: sourceLocation)
        #expect(abs(found.loss - loss) < 1e-5, "\(name)", sourceLocation: sourceLocation)
        #expect(
            found.gradient.largestDifference(from: expected.tensor("gradient", [5, 3])) < 1e-6, "\(name)",
            sourceLocation: sourceLocation)
    }

    @Test("cross-entropy, smoothed, focused and weighted")
    func crossEntropy() throws {
        try expect("cross_entropy", CrossEntropyLoss().evaluate(logits, targets: classes))
        try expect("smoothing", CrossEntropyLoss(smoothing: 0.1).evaluate(logits, targets: classes))
        try expect("weights", CrossEntropyLoss(weights: weights).evaluate(logits, targets: classes))
        try expect(
            "smoothing_weights", CrossEntropyLoss(smoothing: 0.1, weights: weights).evaluate(logits, targets: classes))
        try expect("focal", CrossEntropyLoss(focus: 2).evaluate(logits, targets: classes))
        try expect(
            "focal_half_weights", CrossEntropyLoss(focus: 0.5, weights: weights).evaluate(logits, targets: classes))
    }

    @Test("the ordinal loss, plain and weighted")
    func ordinal() throws {
        try expect("ordinal", OrdinalLoss().evaluate(logits, targets: classes))
        try expect("ordinal_weights", OrdinalLoss(weights: weights).evaluate(logits, targets: classes))
    }

    @Test("binary cross-entropy, focused and weighted")
    func binary() throws {
        try expect("binary", BinaryCrossEntropyLoss().evaluate(logits, targets: sets))
        try expect("binary_weights", BinaryCrossEntropyLoss(weights: weights).evaluate(logits, targets: sets))
        try expect("binary_focal", BinaryCrossEntropyLoss(focus: 2).evaluate(logits, targets: sets))
    }

    @Test("Huber's loss")
    func huber() throws {
        try expect("huber", HuberLoss(delta: 0.7).evaluate(logits, targets: values))
    }

    @Test("R-Drop's divergence of labels, by both passes")
    func consistency() throws {
        let expected = try #require(goldens["results"]?["r_drop"])
        let divergence = ConsistencyLoss.ofClasses(logits, other)
        let (a, b) = (
            CrossEntropyLoss.evaluate(logits, targets: classes), CrossEntropyLoss.evaluate(other, targets: classes)
        )
        let loss = try #require(expected["loss"]?.number)
        #expect(abs((a.loss + b.loss) / 2 + 0.7 * divergence.loss - loss) < 1e-5)
        for (cross, apart, name) in [
            (a.gradient, divergence.first, "gradient"), (b.gradient, divergence.second, "otherGradient"),
        ] {
            var (sum, part) = (cross, apart)
            sum.scale(by: 0.5)
            part.scale(by: 0.7)
            sum += part
            #expect(sum.largestDifference(from: expected.tensor(name, [5, 3])) < 1e-6)
        }
    }

    @Test("the divergences of sets and of numbers have the gradients of their values")
    func divergences() {
        for divergence in [ConsistencyLoss.ofLabelSets, ConsistencyLoss.ofValues] {
            let value = divergence(logits, other)
            for i in 0..<logits.count {
                func moved(_ tensor: Tensor, by step: Float) -> Tensor {
                    var tensor = tensor
                    tensor.mutate { $0[i] += step }
                    return tensor
                }
                let first =
                    (divergence(moved(logits, by: 0.01), other).loss
                        - divergence(moved(logits, by: -0.01), other).loss) / 0.02
                let second =
                    (divergence(logits, moved(other, by: 0.01)).loss
                        - divergence(logits, moved(other, by: -0.01)).loss) / 0.02
                #expect(abs(first - Double(value.first.values[i])) < 1e-4)
                #expect(abs(second - Double(value.second.values[i])) < 1e-4)
            }
        }
        // σ(0) = 1/2, σ(ln 3) = 3/4: ½·(1/4)·ln 3.
        let one = ConsistencyLoss.ofLabelSets(Tensor([1, 1], [1.098_612_3]), Tensor([1, 1], [0]))
        #expect(abs(one.loss - 0.137_326_5) < 1e-6)
    }

    @Test("losses stay numbers where the model is sure")
    func extremes() {
        let logits = Tensor([2, 2], [300, -300, -300, 300])
        for targets in [[0, 1], [1, 0]] {
            for loss in [
                CrossEntropyLoss(focus: 0.5).evaluate(logits, targets: targets),
                CrossEntropyLoss(smoothing: 0.1).evaluate(logits, targets: targets),
                OrdinalLoss().evaluate(logits, targets: targets),
                BinaryCrossEntropyLoss(focus: 0.5).evaluate(logits, targets: Tensor([2, 2], [1, 0, 1, 0])),
            ] {
                #expect(loss.loss.isFinite && loss.gradient.isFinite)
            }
        }
    }
}
