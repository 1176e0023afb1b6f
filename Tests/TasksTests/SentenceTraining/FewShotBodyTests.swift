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

    /// How much more alike texts of one label are than others.
    private func separation(_ path: FilePath) throws -> Float {
        let encoder = try SentenceEncoder(ModelDirectory(path), pooling: [.mean])
        encoder.normalizes = true
        let vectors = encoder.embed(Self.texts.map(encoder.ids))
        func mean(_ pairs: [(Int, Int)]) -> Float {
            pairs.reduce(0) { sum, pair in
                sum + zip(vectors.row(pair.0), vectors.row(pair.1)).reduce(0) { $0 + $1.0 * $1.1 }
            } / Float(pairs.count)
        }
        return mean([(0, 1), (0, 2), (3, 4), (3, 5)]) - mean([(0, 3), (1, 4), (2, 5), (0, 5)])
    }

    @Test("texts of one label become more alike than others, the same with every run")
    func learns() throws {
        let base = try TinyModel.make(in: scratch, named: "m")
        try scratch.write(#"[{"path":"","type":"sentence_transformers.models.Transformer"}]"#, to: "m/modules.json")
        var configuration = FineTuning.Configuration(method: .fewShot)
        #expect(configuration.batchSize == 16 && configuration.epochs == 1 && configuration.learningRate == 2e-5)
        configuration.learningRate = 3e-3
        configuration.epochs = 6
        for name in ["a", "b"] {
            let body = try FewShotBody(ModelDirectory(base), configuration, .oversampling)
            var steps = 0
            try body.train(
                Self.texts, labels: [0, 0, 0, 1, 1, 1], maxLength: nil, keepingStateIn: scratch.path
            ) { if case .step = $0 { steps += 1 } }
            // Of twelve alike pairs and nine others.
            #expect(steps == 6 * 2)
            try body.write(to: scratch(name))
        }
        #expect(try separation(scratch("a")) > separation(base) + 0.1)
        #expect(
            contents(of: scratch("a/model.safetensors")) == contents(of: scratch("b/model.safetensors")))
    }
}
