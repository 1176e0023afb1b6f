import Checkpoints
import Embeddings
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing

@Suite("FewShotBody")
struct FewShotBodyTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private static let texts = ["the film was good", "a warm plot", "fine", "the film was bad", "a cold plot", "dull"]

    @Test("the loss of pairs falls, and the same run gives the same bytes")
    func learns() throws {
        let base = try TinyModel.make(in: scratch, named: "m")
        try scratch.write(#"[{"path":"","type":"sentence_transformers.models.Transformer"}]"#, to: "m/modules.json")
        var configuration = FineTuning.Configuration(method: .fewShot)
        #expect(configuration.batchSize == 16 && configuration.epochs == 1 && configuration.learningRate == 2e-5)
        configuration.learningRate = 3e-3
        configuration.epochs = 6
        for name in ["a", "b"] {
            let body = try FewShotBody(ModelDirectory(base), configuration, .oversampling)
            var (steps, losses) = (0, [Double]())
            _ = try body.train(
                Self.texts, labels: [0, 0, 0, 1, 1, 1], maxLength: nil, keepingStateIn: scratch.path
            ) { event in
                if case .step = event { steps += 1 }
                if case .evaluation(let evaluation) = event { losses.append(evaluation.trainingLoss) }
            }
            // Of twelve alike pairs and nine others.
            #expect(steps == 6 * 2 && losses.count == 6 && losses[5] < losses[0])
            try body.write(to: scratch(name))
        }
        #expect(
            contents(of: scratch("a/model.safetensors")) == contents(of: scratch("b/model.safetensors")))
    }
}
