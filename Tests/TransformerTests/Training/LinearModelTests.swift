import JSON
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("LinearModel")
struct LinearModelTests {
    private let goldens: JSON
    private let features: Tensor
    /// Of the losses' means, `1 / (C · examples)`.
    private let c: Double

    init() throws {
        goldens = try OptimizationGoldens.section("linearModels")
        features = goldens.tensor("features", [60, 4])
        c = goldens["c"]?.number ?? 0
    }

    private func expect(
        _ name: String, _ outputs: Int, _ fitted: (model: LinearModel, result: LBFGS.Result),
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try #require(goldens[name], sourceLocation: sourceLocation)
        #expect(fitted.result.converged, sourceLocation: sourceLocation)
        #expect(
            fitted.model.weight.largestDifference(from: expected.tensor("weight", [outputs, 4])) < 1e-4,
            sourceLocation: sourceLocation)
        // A softmax's biases are free together: what counts is how they differ.
        let (found, wanted) = (fitted.model.bias.values, expected.tensor("bias", [outputs]).values)
        let shift = name == "softmax" ? found[0] - wanted[0] : 0
        for (a, b) in zip(found, wanted) { #expect(abs(a - shift - b) < 1e-4, sourceLocation: sourceLocation) }
    }

    @Test("multinomial regression has scikit-learn's optimum")
    func softmax() throws {
        let classes = try #require(goldens["classes"]?.integers)
        try expect(
            "softmax", 3,
            LinearModel.fit(features, outputs: 3, decay: 1 / (c * 60)) {
                CrossEntropyLoss.evaluate($0, targets: classes)
            })
    }

    @Test("one regression for each label has scikit-learn's optima")
    func binary() throws {
        let sets = goldens.tensor("sets", [60, 2])
        try expect(
            "binary", 2,
            LinearModel.fit(features, outputs: 2, decay: 1 / (c * 120)) {
                BinaryCrossEntropyLoss.evaluate($0, targets: sets)
            })
    }

    @Test("ridge regression has scikit-learn's optimum")
    func ridge() throws {
        let values = goldens.tensor("values", [60, 1])
        let alpha = try #require(goldens["alpha"]?.number)
        try expect(
            "ridge", 1,
            LinearModel.fit(features, outputs: 1, decay: 2 * alpha / 60) {
                MeanSquaredErrorLoss.evaluate($0, targets: values)
            })
    }

    @Test("L-BFGS finds the minimum of a bent valley, from where it starts or not at all")
    func valley() {
        // Rosenbrock 1960.
        let result = LBFGS(tolerance: 1e-8).minimize(from: [-1.2, 1]) { place in
            let (x, y) = (place[0], place[1])
            let (a, b) = (1 - x, y - x * x)
            return (a * a + 100 * b * b, [-2 * a - 400 * x * b, 200 * b])
        }
        #expect(result.converged && result.steps < 60)
        #expect(abs(result.minimum.place[0] - 1) < 1e-6 && abs(result.minimum.place[1] - 1) < 1e-6)
        let resting = LBFGS().minimize(from: [2]) { _ in (5, [0]) }
        #expect(resting.converged && resting.steps == 0 && resting.minimum.place == [2])
        let bounded = LBFGS(maxSteps: 3).minimize(from: [0]) { (-$0[0], [-1]) }
        #expect(!bounded.converged && bounded.steps == 3)
    }
}
