import Checkpoints
import FoundationEssentials
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("CheckpointConversion")
struct CheckpointConversionTests {
    private let directory: TemporaryDirectory
    init() throws { directory = try TemporaryDirectory() }

    private func model(_ tensors: [(name: String, value: Tensor)]) throws -> ModelDirectory {
        try directory.write(#"{"model_type":"bert","dtype":"float32"}"#, to: "model/config.json")
        try directory.write("[UNK]\n", to: "model/vocab.txt")
        try directory.write("x", to: "model/optimizer.pt")
        try SafeTensors.write(tensors, to: directory("model/model.safetensors"))
        return ModelDirectory(directory("model"))
    }

    private func converted(
        _ conversion: CheckpointConversion, _ model: ModelDirectory
    ) throws -> (result: CheckpointConversion.Result, weights: any TensorArchive) {
        let output = directory("out-\(UInt32.random(in: 0...UInt32.max))")
        let result = try conversion.convert(model, to: output)
        return (result, try ModelDirectory(output).openWeights())
    }

    @Test("a file of torch.save keeps its values and data types")
    func torch() throws {
        try directory.write("{}", to: "model/config.json")
        let golden = Golden.directory("checkpoints")
        let bytes = try #require(contents(of: golden.appending("plain-zip.bin")))
        try directory.write(bytes, to: "model/pytorch_model.bin")
        let weights = try converted(CheckpointConversion(), ModelDirectory(directory("model"))).weights
        let source = try TorchCheckpoint(golden.appending("plain-zip.bin"))
        #expect(weights.entries.count == source.entries.count)
        for entry in source.entries {
            let other = try #require(weights[entry.name])
            #expect(other.shape == entry.shape && other.dataType == entry.dataType)
            if entry.dataType.isFloatingPoint { #expect(try weights.tensor(other) == source.tensor(entry)) }
        }
    }

    @Test("half precision rounds to the nearest, ties to even, down to the smallest numbers")
    func rounding() throws {
        let values: [Float] = [
            0, -0.0, 1, -2.5, 65504, 65519, 0x1p-14, 0x1p-24, 0x1p-25, 0x1.8p-25, 0x1.004p0, 0x1.002p0, 0x1.006p0,
            0x1.ff8p-15, 0x1.ffcp-15, 1e-30,
        ]
        let expected: [Float] = [
            0, -0.0, 1, -2.5, 65504, 65504, 0x1p-14, 0x1p-24, 0, 0x1p-24, 0x1.004p0, 1, 0x1.008p0, 0x1.ff8p-15, 0x1p-14,
            0,
        ]
        let (_, weights) = try converted(
            CheckpointConversion(dataType: .float16), model([("w", Tensor([values.count], values))]))
        #expect(try weights.values("w").values == expected)
        let brain = try converted(
            CheckpointConversion(dataType: .bfloat16), model([("w", Tensor([4], [1, 0x1.01p0, 0x1.03p0, -0x1.011p0]))]))
        #expect(try brain.weights.values("w").values == [1, 1, 0x1.04p0, -0x1.02p0])
    }

    @Test("large checkpoints are written in several files, which read back")
    func shards() throws {
        let tensors = ["a", "b", "c", "d"].map { (name: $0, value: Tensor(repeating: Float($0.utf8.first!), [10])) }
        let (result, weights) = try converted(CheckpointConversion(maxShardSize: 90), model(tensors))
        #expect(result.tensors == 4 && result.bytes == 160 && result.files == 2)
        #expect(
            weights.files.map { $0.lastComponent?.string } == [
                "model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
            ])
        for (name, value) in tensors { #expect(try weights.values(name) == value) }
    }

    @Test("configuration and tokenizer come along, training's leftovers do not; the data type is said")
    func companions() throws {
        let output = directory("out")
        _ = try CheckpointConversion(dataType: .bfloat16).convert(model([("a", Tensor([1], [1]))]), to: output)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: output.string).sorted() == [
                "config.json", "model.safetensors", "vocab.txt",
            ])
        #expect(try ModelDirectory(output).openConfiguration().string("dtype") == "bfloat16")
        #expect(throws: CheckpointError.outputExists(output)) {
            try CheckpointConversion().convert(ModelDirectory(directory("model")), to: output)
        }
    }

    @Test("of the folders those that modules.json names come along, whatever their names are")
    func moduleFolders() throws {
        let model = try model([("a", Tensor([1], [1]))])
        for file in ["1_Pooling/config.json", "dense/config.json", "3_old/config.json", "checkpoint-1/vocab.txt"] {
            try directory.write("{}", to: "model/\(file)")
        }
        let modules = #"[{"path": ""}, {"path": "1_Pooling"}, {"path": "./dense/"}, {"path": "../model"}]"#
        try directory.write(modules, to: "model/modules.json")
        let output = directory("out")
        _ = try CheckpointConversion().convert(model, to: output)
        #expect(
            ModelDirectory(output).files.map { $0.string.replacing(output.string + "/", with: "") } == [
                "1_Pooling/config.json", "config.json", "dense/config.json", "model.safetensors", "modules.json",
                "vocab.txt",
            ])
    }

    @Test("a conversion that is stopped between two tensors leaves nothing")
    func cancellation() throws {
        let model = try model(["a", "b"].map { (name: $0, value: Tensor([1], [1])) })
        var questions = 0
        #expect(throws: CheckpointError.cancelled(directory("out"))) {
            try CheckpointConversion().convert(model, to: directory("out")) {
                questions += 1
                return questions == 2
            }
        }
        #expect(directory.names == ["model"])
    }

    @Test("double precision is kept bit by bit; a value too large for what was asked for is named as such")
    func doublePrecision() throws {
        func model(_ value: Double) throws -> ModelDirectory {
            try directory.write("{}", to: "model/config.json")
            let header = Array(#"{"w":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}  "#.utf8)
            let data = (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
            try directory.write(
                [UInt8(header.count)] + [0, 0, 0, 0, 0, 0, 0] + header + data, to: "model/model.safetensors")
            return ModelDirectory(directory("model"))
        }
        let large = try model(1e300)
        let (_, weights) = try converted(CheckpointConversion(), large)
        #expect(weights["w"]?.dataType == .float64)
        let written = try #require(contents(of: weights.path))
        #expect(written.suffix(8) == contents(of: directory("model/model.safetensors"))?.suffix(8))
        let path = directory("model/model.safetensors")
        for dataType in [DataType.float32, .bfloat16] {
            #expect(throws: CheckpointError.notRepresentable(path, name: "w", dataType)) {
                try converted(CheckpointConversion(dataType: dataType), large)
            }
        }
        for value in [Double.infinity, -.infinity, .nan] {
            let broken = try model(value)
            #expect(throws: CheckpointError.notFinite(path, name: "w")) {
                try converted(CheckpointConversion(), broken)
            }
        }
    }

    @Test("what cannot be written names the tensor, and leaves nothing")
    func refusals() throws {
        let output = directory("out")
        let nan = try model([("w", Tensor([2], [1, .nan]))])
        let path = directory("model/model.safetensors")
        #expect(throws: CheckpointError.notFinite(path, name: "w")) {
            try CheckpointConversion().convert(nan, to: output)
        }
        let large = try model([("w", Tensor([1], [65520]))])
        #expect(throws: CheckpointError.notRepresentable(path, name: "w", .float16)) {
            try CheckpointConversion(dataType: .float16).convert(large, to: output)
        }
        #expect(directory.names == ["model"])
    }

    @Test("both members that name the data type say the new one")
    func typeNames() throws {
        let model = try model([("w", Tensor([1], [1]))])
        try directory.write(
            #"{"model_type":"bert","dtype":"float32","torch_dtype":"float32"}"#, to: "model/config.json")
        let output = directory("half")
        _ = try CheckpointConversion(dataType: .float16).convert(model, to: output)
        let configuration = try ModelDirectory(output).openConfiguration()
        #expect(try configuration.string("dtype") == "float16" && configuration.string("torch_dtype") == "float16")
    }
}
