import Checkpoints
import Embeddings
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("TrainableSentenceEncoder")
struct TrainableSentenceEncoderTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private static let texts = ["the film was good", "a warm plot, not dull!", "bad", "the plot"]

    private func model(_ name: String) -> ModelDirectory { ModelDirectory(Golden.directory("modules/\(name)")) }

    @Test("vectors are those of the sentence encoder", arguments: ["modes", "without-prompt"])
    func vectors(name: String) throws {
        let encoder = try TrainableSentenceEncoder(model(name))
        let expected = try SentenceEncoder(model(name))
        let ids = Self.texts.map(encoder.ids)
        #expect(ids == Self.texts.map(expected.ids))
        let vectors = expected.embed(ids)
        #expect(encoder.forward(TokenBatch(ids)).vectors.relativeDifference(from: vectors) < 1e-5)
        #expect(encoder.embed(ids).relativeDifference(from: vectors) < 1e-5)
        #expect(encoder.size == expected.size)
    }

    @Test(
        "the gradient is that of central differences, through every pooling and every module",
        arguments: ["modes", "without-prompt"])
    func gradients(name: String) throws {
        let encoder = try TrainableSentenceEncoder(model(name))
        let tokens = TokenBatch(Self.texts.map(encoder.ids))
        let weights = RandomSource(seed: 2).normalTensor([Self.texts.count, encoder.size], standardDeviation: 1)
        func value() -> Double {
            let vectors = encoder.forward(tokens).vectors
            return zip(vectors.values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let saved = encoder.forward(tokens).saved
        encoder.backward(weights, saved)
        #expect(Set(encoder.parameters.map(\.name)).count == encoder.parameters.count)
        for parameter in encoder.parameters {
            guard let gradient = parameter.gradient?.dense else { continue }
            let square = gradient.sumOfSquares
            // The softmax does not change with the keys' biases.
            if square < 1e-8 { continue }
            let step = 3e-3 / square.squareRoot()
            let start = parameter.value
            func moved(_ sign: Double) -> Double {
                parameter.update { place in
                    var change = gradient
                    change.scale(by: Float(sign * step))
                    place = start + change
                }
                return value()
            }
            let slope = (moved(1) - moved(-1)) / (2 * step)
            parameter.update { $0 = start }
            #expect(abs(slope - square) < 0.03 * square, "\(parameter.name): \(slope), \(square)")
        }
        let learned = encoder.parameters.filter { $0.gradient != nil }
        #expect(learned.contains { $0.name == "modules.2.linear.weight" } && learned.count > 16)
    }

    @Test("the first token's state needs no others in the last layer")
    func firstToken() throws {
        let path = try TinyModel.make(in: scratch, named: "m")
        try scratch.write(
            #"""
            [{"path":"","type":"sentence_transformers.models.Transformer"},
             {"path":"1_Pooling","type":"sentence_transformers.models.Pooling"}]
            """#, to: "m/modules.json")
        try scratch.write(#"{"pooling_mode_cls_token": true}"#, to: "m/1_Pooling/config.json")
        let encoder = try TrainableSentenceEncoder(ModelDirectory(path))
        let ids = Self.texts.map(encoder.ids)
        let (vectors, saved) = encoder.forward(TokenBatch(ids))
        #expect(vectors.relativeDifference(from: try SentenceEncoder(ModelDirectory(path)).embed(ids)) < 1e-5)
        encoder.backward(vectors, saved)
        #expect(encoder.parameters.contains { $0.gradient != nil })
    }

    @Test("what is written makes the same vectors", arguments: ["modes", "without-prompt", "tiny"])
    func writing(name: String) throws {
        let source = name == "tiny" ? ModelDirectory(try TinyModel.make(in: scratch, named: "m")) : model(name)
        let encoder = try TrainableSentenceEncoder(source)
        try encoder.write(to: scratch("out"))
        let written = try SentenceEncoder(ModelDirectory(scratch("out")))
        let original = try SentenceEncoder(source)
        let ids = Self.texts.map(written.ids)
        #expect(ids == Self.texts.map(original.ids))
        #expect(written.embed(ids).largestDifference(from: original.embed(ids)) == 0)
        #expect(written.prompt == original.prompt && written.maxLength == original.maxLength)
    }

    @Test("static embeddings are refused")
    func staticEmbeddings() throws {
        let directory = model("static")
        let path = directory.path
        #expect(throws: ModelError.self) { try TrainableSentenceEncoder(ModelDirectory(path)) }
    }
}
