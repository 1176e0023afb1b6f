import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// Decoders of tiny published models, whose losses and gradients `generate_denoising.py` computed.
@Suite("VectorDecoder")
struct VectorDecoderTests {
    private let encoder: TransformerEncoder
    private static let sequences: [[Int32]] = [[2, 5, 9, 6, 7, 3], [2, 3], [4, 28, 11, 6, 8, 8, 10, 3, 12]]

    init() throws { encoder = try Self.encoder("bert") }

    private static func archive(_ family: String) throws -> any TensorArchive {
        try ModelDirectory(Golden.directory("heads/\(family)-masked")).openWeights()
    }

    /// - Parameter isSmooth: whether an activation without kinks is in the place of the model's.
    private static func encoder(_ family: String, isSmooth: Bool = false) throws -> TransformerEncoder {
        let directory = ModelDirectory(Golden.directory("heads/\(family)-masked"))
        var architecture = try EncoderArchitecture(directory.openConfiguration())
        if isSmooth {
            architecture.hiddenAct = .gelu
            architecture.maskedHead?.activation = .gelu
        }
        let source = ParameterSource(
            try directory.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
        return try TransformerEncoder(source.root, architecture)
    }

    private static func decoder(_ family: String, _ encoder: TransformerEncoder) throws -> VectorDecoder {
        let source = ParameterSource(
            try archive(family), spellings: encoder.architecture.spellings, random: RandomSource(seed: 4))
        return try VectorDecoder(sharing: encoder, vectorSize: encoder.architecture.hiddenSize, source)
    }

    /// The loss of the sequences, each token scored but the first.
    private func loss(
        _ decoder: VectorDecoder, _ vectors: Tensor, training random: RandomSource? = nil
    ) -> (loss: Double, vectors: Tensor) {
        let (hidden, saved) = decoder.forward(
            TokenBatch(Self.sequences.map { $0.dropLast() }), vectors, training: random)
        let (loss, gradient) = decoder.scoreNext(hidden, next: Self.sequences.flatMap { $0.dropFirst().map(Int.init) })
        return (loss, decoder.backward(gradient, saved))
    }

    @Test(
        "loss and gradients are those of transformers' decoders, which do compute the attention to one vector",
        arguments: ["bert", "roberta", "electra"])
    func parity(family: String) throws {
        let expected = try SafeTensors(Golden.directory("denoising").appending("\(family).safetensors"))
        let written = try Golden.json(Golden.directory("denoising"), "families.json")["sequences"]?.array ?? []
        #expect(written.map { $0.integers.map(Int32.init) } == Self.sequences)
        let encoder = try Self.encoder(family)
        let decoder = try Self.decoder(family, encoder)
        for parameter in decoder.parameters where parameter.name.contains("crossattention") {
            #expect(parameter.isNew)
            let value = try expected.values(parameter.name)
            parameter.update { $0 = value }
        }
        // The head is the checkpoint's.
        #expect(decoder.parameters.allSatisfy { $0.isNew == $0.name.contains("crossattention") })
        let vectors = Parameter("vectors", try expected.values("vectors"))
        let (loss, gradient) = loss(decoder, vectors.value)
        vectors.accumulate { $0 += gradient }
        let golden = Double(try expected.values("loss").values[0])
        #expect(abs(loss - golden) < 1e-5 * golden)
        try expectGradients(of: encoder.parameters + decoder.parameters + [vectors], agreeWith: expected)
    }

    @Test(
        "the gradients are those of central differences, of shared parameters too, with dropout",
        arguments: ["bert", "roberta", "distilbert", "electra", "albert"])
    func gradients(family: String) throws {
        let encoder = try Self.encoder(family, isSmooth: true)
        let decoder = try Self.decoder(family, encoder)
        let random = RandomSource(seed: 6)
        for parameter in decoder.parameters {
            let noise = random.normalTensor(parameter.shape, standardDeviation: 0.3)
            parameter.update { $0 += noise }
        }
        let vectors = Parameter(
            "vectors", random.normalTensor([3, encoder.architecture.hiddenSize], standardDeviation: 1))
        func value() -> Double { loss(decoder, vectors.value, training: RandomSource(seed: 9)).loss }
        let gradient = loss(decoder, vectors.value, training: RandomSource(seed: 9)).vectors
        vectors.accumulate { $0 += gradient }
        let all = encoder.parameters + decoder.parameters + [vectors]
        let gradients = all.map { $0.gradient?.dense }
        var checked = 0
        for (parameter, gradient) in zip(all, gradients) {
            guard let gradient, gradient.sumOfSquares > 1e-6 else { continue }
            let square = gradient.sumOfSquares
            let start = parameter.value
            func slope(_ step: Double) -> Double {
                func moved(_ sign: Double) -> Double {
                    var change = gradient
                    change.scale(by: Float(sign * step / square.squareRoot()))
                    parameter.update { $0 = start + change }
                    return value()
                }
                return (moved(1) - moved(-1)) / (2 * step) * square.squareRoot()
            }
            // Richardson's extrapolation of two central differences.
            let numeric = (4 * slope(1e-2) - slope(2e-2)) / 3
            parameter.update { $0 = start }
            #expect(abs(numeric - square) < 0.01 * square, "\(parameter.name): \(numeric), \(square)")
            checked += 1
        }
        #expect(checked > 20)
    }

    @Test("a state knows its own text's vector and the tokens up to its own, and nothing else")
    func causality() throws {
        let decoder = try Self.decoder("bert", encoder)
        let random = RandomSource(seed: 2)
        let vectors = random.normalTensor([2, 12], standardDeviation: 1)
        let whole = decoder.forward(TokenBatch([[2, 5, 9, 7], [2, 4]]), vectors, training: nil).output
        let other = decoder.forward(TokenBatch([[2, 5, 11, 6], [2, 4]]), vectors, training: nil).output
        #expect(whole.rows(0..<2).largestDifference(from: other.rows(0..<2)) == 0)
        #expect(whole.rows(2..<4).largestDifference(from: other.rows(2..<4)) > 1e-3)
        #expect(whole.rows(4..<6) == other.rows(4..<6))
        let second = Tensor(rows: [vectors.rows(0..<1), random.normalTensor([1, 12], standardDeviation: 1)])
        let moved = decoder.forward(TokenBatch([[2, 5, 9, 7], [2, 4]]), second, training: nil).output
        #expect(whole.rows(0..<4) == moved.rows(0..<4) && whole.rows(4..<6) != moved.rows(4..<6))
    }

    @Test(
        "without a head in the checkpoint one is initialized, and the matrix is the words' also where there is another")
    func heads() throws {
        func names(_ archive: (any TensorArchive)?) throws -> [String] {
            let source = ParameterSource(
                archive, spellings: encoder.architecture.spellings, random: RandomSource(seed: 4))
            return try VectorDecoder(sharing: encoder, vectorSize: 5, source).parameters.map(\.name)
        }
        let fresh = try names(nil)
        #expect(try names(Self.archive("bert")) == fresh)
        #expect(!fresh.contains { $0.contains("decoder.weight") || $0.contains("word_embeddings") })
        let untied = ModelDirectory(Golden.directory("heads/bert-masked-untied"))
        let other = try VectorDecoder(
            sharing: encoder, vectorSize: 5,
            ParameterSource(
                try untied.openWeights(), spellings: encoder.architecture.spellings, random: RandomSource(seed: 4)))
        #expect(!other.parameters.contains { $0.name.contains("decoder.weight") })
    }

    @Test(
        "layers that know distances, or normalize first, are no decoder's",
        arguments: [
            ("families/roberta", true), ("families/distilbert", true), ("families/electra", true),
            ("families/albert", true), ("families/xlm-roberta", true), ("modules/modes", true),
            ("families/mpnet", false), ("families/deberta-v3", false), ("families/modernbert", false),
            ("families/nomic", false), ("families/jina", false), ("families/gte", false), ("families/t5", false),
        ])
    func architectures(name: String, canDecode: Bool) throws {
        let file = try ModelDirectory(Golden.directory(name)).openConfiguration()
        #expect(try EncoderArchitecture(file).canDecode == canDecode)
    }
}
