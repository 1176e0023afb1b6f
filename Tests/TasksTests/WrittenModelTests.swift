import Checkpoints
import Embeddings
import JSON
import SystemPackage
import Tasks
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("Models made from a pretrained one")
struct WrittenModelTests {
    private let scratch: TemporaryDirectory
    private let model: ModelDirectory

    init() throws {
        scratch = try TemporaryDirectory()
        model = ModelDirectory(try TinyModel.make(in: scratch, named: "model"))
    }

    private func write(_ kind: Kind) throws {
        let random = RandomSource(seed: 1)
        switch kind {
        case .classifier:
            try SequenceClassifier(pretrained: model, labels: ["a", "b"], random: random)
                .write(to: scratch("out"), record: [:])
        case .tagger:
            try TokenTagger(pretrained: model, labels: ["B-X", "O"], random: random)
                .write(to: scratch("out"), record: [:])
        case .encoder: try TrainableSentenceEncoder(model).write(to: scratch("out"))
        }
    }

    enum Kind: CaseIterable { case classifier, tagger, encoder }

    @Test(
        "weights are written as f32 and config.json says so, wherever the base's says another type",
        arguments: Kind.allCases, [["dtype"], ["torch_dtype"], ["dtype", "torch_dtype"], []])
    func weightType(kind: Kind, keys: [String]) throws {
        var configuration = try model.openConfiguration()
        for key in ["dtype", "torch_dtype"] { configuration.object[key] = nil }
        for key in keys { configuration.object[key] = .string("float16") }
        try configuration.write(to: configuration.path)
        try write(kind)
        let written = try ModelDirectory(scratch("out")).openConfiguration().object
        for key in ["dtype", "torch_dtype"] {
            #expect(written[key] == (keys.contains(key) ? .string("float32") : nil), "\(key)")
        }
    }

    @Test(
        "a matrix that holds what is no number is named before anything is learned from it",
        arguments: Kind.allCases, [Float.nan, .infinity])
    func notFinite(kind: Kind, value: Float) throws {
        let weights = model.path.appending("model.safetensors")
        let archive = try SafeTensors(weights)
        let damaged = try #require(archive.entries.map(\.name).first { $0.hasSuffix("layer.1.output.dense.weight") })
        let tensors = try archive.entries.map { entry in
            let tensor = try archive.tensor(entry)
            var values = tensor.values
            if entry.name == damaged { values[7] = value }
            return (name: entry.name, value: Tensor(tensor.shape, values))
        }
        try SafeTensors.write(tensors, to: weights)
        #expect(throws: ModelError.checkpoint(.notFinite(weights, name: damaged))) { try write(kind) }
    }
}
