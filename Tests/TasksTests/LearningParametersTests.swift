import Checkpoints
import Embeddings
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("LearningParameters")
struct LearningParametersTests {
    private let scratch: TemporaryDirectory
    private let classifier: SequenceClassifier

    init() throws {
        scratch = try TemporaryDirectory()
        classifier = try SequenceClassifier(
            pretrained: ModelDirectory(TinyModel.make(in: scratch, named: "model")), labels: ["a", "b"],
            random: RandomSource(seed: 1))
    }

    private func configuration(
        _ method: FineTuning.Method, _ change: (inout Optimization) -> Void = { _ in }
    ) -> FineTuning.Configuration {
        var configuration = FineTuning.Configuration(method: method)
        change(&configuration.optimization)
        return configuration
    }

    private func learned(_ configuration: FineTuning.Configuration, epoch: Int = 1) throws -> Set<String> {
        try LearningParameters(classifier, configuration).choose(epoch: epoch)
        return Set(classifier.parameters.filter(\.isTrainable).map(\.name))
    }

    private var head: Set<String> {
        ["bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias"]
    }

    private func names(_ part: String) -> Set<String> {
        Set(classifier.parameters.map(\.name).filter { $0.contains(part) })
    }

    @Test("each method lets learn what its name says")
    func methods() throws {
        #expect(try learned(configuration(.head)) == head)
        #expect(try learned(configuration(.full)) == Set(classifier.parameters.map(\.name)))
        #expect(try learned(configuration(.topK) { $0.topKLayers = 1 }) == head.union(names("layer.1.")))
        #expect(try learned(configuration(.bitfit)) == names("bias").union(["classifier.weight"]))
        let gradual = configuration(.gradual)
        #expect(try learned(gradual, epoch: 1) == head)
        #expect(try learned(gradual, epoch: 2) == head.union(names("layer.1.")))
        #expect(try learned(gradual, epoch: 3) == head.union(names("layer.")))
        #expect(try learned(gradual, epoch: 4) == Set(classifier.parameters.map(\.name)))
        #expect(try learned(gradual, epoch: 9) == Set(classifier.parameters.map(\.name)))
        var short = gradual
        short.epochs = 2
        #expect(try learned(short, epoch: 1) == head.union(names("layer.1.")))
        #expect(try learned(short, epoch: 2) == Set(classifier.parameters.map(\.name)))
    }

    @Test("lower layers learn more slowly, and patterns have the last word")
    func rates() throws {
        func factor(_ name: String, _ configuration: FineTuning.Configuration) throws -> Double {
            let learning = try LearningParameters(classifier, configuration)
            let index = try #require(learning.parameters.firstIndex { $0.name == name })
            return learning.groups[index].rateFactor
        }
        let decayed = configuration(.full) {
            $0.layerDecay = 0.5
            $0.headLearningRate = 1e-3
            $0.patterns = [Optimization.Pattern(expression: "^classifier\\.bias$", rate: 5e-6)]
        }
        #expect(try factor("bert.embeddings.word_embeddings.weight", decayed) == 0.125)
        #expect(try factor("bert.encoder.layer.0.output.dense.weight", decayed) == 0.25)
        #expect(try factor("bert.encoder.layer.1.output.dense.weight", decayed) == 0.5)
        #expect(try abs(factor("classifier.weight", decayed) - 20) < 1e-9)
        #expect(try abs(factor("classifier.bias", decayed) - 0.1) < 1e-9)
        #expect(try abs(factor("bert.encoder.layer.0.output.dense.weight", configuration(.gradual)) - 1 / 6.76) < 1e-9)
    }

    @Test("the head's rate is not that of an adapter's vectors")
    func rateOfVectors() throws {
        var prompt = PromptConfiguration()
        prompt.virtualTokens = 2
        try classifier.attach(.prompt(prompt), random: RandomSource(seed: 2))
        let learning = try LearningParameters(classifier, configuration(.prompt) { $0.headLearningRate = 1e-3 })
        let factors = Dictionary(
            uniqueKeysWithValues: zip(learning.parameters.map(\.name), learning.groups.map(\.rateFactor)))
        #expect(factors["prompt_embeddings"] == 1)
        #expect(try abs(#require(factors["classifier.weight"]) - 0.1) < 1e-9)
    }

    @Test("a pattern that is none, one that matches nothing, and more layers than there are, are refused")
    func refusals() throws {
        func refusal(
            _ method: FineTuning.Method, _ change: (inout Optimization) -> Void
        ) -> OptimizationError? {
            #expect(throws: OptimizationError.self) {
                _ = try LearningParameters(classifier, configuration(method, change))
            }
        }
        let pattern = { (text: String) in [Optimization.Pattern(expression: text, rate: 1e-3)] }
        #expect(refusal(.full) { $0.patterns = pattern("layer[") } == .invalidPattern("layer["))
        #expect(
            refusal(.head) { $0.patterns = pattern("layer") }
                == .patternMatchesNothing(
                    "layer",
                    names: [
                        "bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias",
                    ]))
        #expect(refusal(.topK) { $0.topKLayers = 3 } == .tooManyLayers(3, layers: 2))
    }
}
