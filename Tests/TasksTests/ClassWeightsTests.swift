import Tasks
import Tensors
import Testing

@Suite("ClassWeights")
struct ClassWeightsTests {
    @Test("weights are given by name, and what is none is refused")
    func parsing() {
        #expect(ClassWeights("balanced") == .balanced)
        #expect(ClassWeights("positive=2,a=b=0.5") == .given(["positive": 2, "a=b": 0.5]))
        for text in [
            "", "positive", "positive=", "positive=x", "positive=-1", "a=1,a=2", "a=inf", "a=nan", "a=1,",
        ] {
            #expect(ClassWeights(text) == nil, "\(text)")
        }
    }

    @Test("labels that are not named count 1, unknown ones are refused")
    func given() throws {
        let targets = Targets.classes([0, 1])
        #expect(try ClassWeights.given(["b": 3]).weights(of: ["a", "b"], in: targets) == [1, 3])
        #expect(try ClassWeights.given(["b": 0]).weights(of: ["a", "b"], in: targets) == [1, 0])
        #expect(throws: OptimizationError.noWeight(option: "--class-weights")) {
            _ = try ClassWeights.given(["a": 0, "b": 0]).weights(of: ["a", "b"], in: targets)
        }
        #expect(throws: OptimizationError.unknownLabel("c", option: "--class-weights", labels: ["a", "b"])) {
            _ = try ClassWeights.given(["c": 3]).weights(of: ["a", "b"], in: targets)
        }
    }

    @Test("balanced weights are scikit-learn's, of sets how often a label is absent for each time it is there")
    func balanced() throws {
        // n / (k · count): 6 / (3 · 3), 6 / (3 · 2), 6 / (3 · 1)
        let weights = try ClassWeights.balanced.weights(of: ["a", "b", "c"], in: .classes([0, 0, 0, 1, 1, 2]))
        #expect(zip(weights, [2.0 / 3, 1, 2]).allSatisfy { abs($0 - $1) < 1e-12 })
        let sets = Tensor([4, 3], [1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1])
        #expect(try ClassWeights.balanced.weights(of: ["a", "b", "c"], in: .labelSets(sets)) == [3, 1, 1])
    }

    @Test("an objective is refused where the labels are of another kind")
    func problems() {
        var objective = TrainingObjective()
        objective.labelSmoothing = 0.1
        #expect(throws: OptimizationError.wrongProblem("--label-smoothing", .regression, expected: [.singleLabel])) {
            try objective.check(.regression)
        }
        objective = TrainingObjective()
        objective.huberDelta = 1
        #expect(throws: OptimizationError.wrongProblem("--huber-delta", .multiLabel, expected: [.regression])) {
            try objective.check(.multiLabel)
        }
        objective = TrainingObjective()
        objective.focalGamma = 2
        #expect(throws: Never.self) { try objective.check(.multiLabel) }
    }
}
