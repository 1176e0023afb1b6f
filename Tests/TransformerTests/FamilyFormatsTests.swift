import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// Every family from every format that its checkpoints are published in.
@Suite("Families from all formats of checkpoints")
struct FamilyFormatsTests {
    private let scratch: TemporaryDirectory
    init() throws { scratch = try TemporaryDirectory() }

    private static func original(_ name: String) -> ModelDirectory {
        ModelDirectory(FamilyParityTests.directory.appending(name))
    }

    private func load(
        _ directory: ModelDirectory, hasHead: Bool = true
    ) throws -> (encoder: TransformerEncoder, parameters: [Parameter]) {
        let architecture = try EncoderArchitecture(directory.openConfiguration())
        let source = ParameterSource(
            try directory.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
        let encoder = try TransformerEncoder(source.root, architecture)
        if hasHead { _ = try ClassificationHead(source.root, architecture, labels: 3) }
        try source.checkAllUsed {
            architecture.isBufferOrPretrainingHead($0) || !hasHead && architecture.isHead($0)
        }
        return (encoder, source.parameters)
    }

    private func expectSame(_ directory: ModelDirectory, as name: String) throws {
        let (found, expected) = (try load(directory).parameters, try load(Self.original(name)).parameters)
        #expect(found.map(\.name) == expected.map(\.name))
        for (a, b) in zip(found, expected) { #expect(a.value == b.value, "\(a.name)") }
    }

    @Test("several safetensors files hold the same model", arguments: FamilyParityTests.names)
    func shards(name: String) throws {
        let result = try CheckpointConversion(maxShardSize: 6000).convert(Self.original(name), to: scratch("out"))
        #expect(result.files > 1)
        try expectSame(ModelDirectory(scratch("out")), as: name)
    }

    @Test("torch.save's files hold the same model, one alone or with an index", arguments: FamilyParityTests.names)
    func torch(name: String) throws {
        let original = Self.original(name)
        let file = Golden.directory("checkpoints/families").appending("\(name).bin")
        let bytes = try #require(contents(of: file))
        let configuration = try #require(contents(of: original.configuration))
        for folder in ["one", "shards"] { try scratch.write(configuration, to: "\(folder)/config.json") }
        try scratch.write(bytes, to: "one/pytorch_model.bin")
        try expectSame(ModelDirectory(scratch("one")), as: name)

        let shard = "pytorch_model-00001-of-00001.bin"
        try scratch.write(bytes, to: "shards/\(shard)")
        var map = JSONObject()
        for entry in try TorchCheckpoint(file).entries { map.append(entry.name, .string(shard)) }
        let path = scratch("shards/pytorch_model.bin.index.json")
        try JSONFile(path, object: ["weight_map": .object(map)]).write(to: path)
        try expectSame(ModelDirectory(scratch("shards")), as: name)
    }

    @Test(
        "half precision is converted where it is read: the plan agrees with the encoder, whose weights are in memory",
        arguments: FamilyParityTests.names, [DataType.float16, .bfloat16])
    func halves(name: String, dataType: DataType) throws {
        _ = try CheckpointConversion(dataType: dataType).convert(Self.original(name), to: scratch("out"))
        let (encoder, parameters) = try load(ModelDirectory(scratch("out")))
        let expected = try load(Self.original(name)).parameters
        let plan = InferencePlan(encoder, precision: .f32)
        var batch = TokenBatch()
        batch.append([3, 1, 4, 1, 5], tokenTypeIDs: [0, 0, 0, 0, 0])
        let hidden = plan.encode(batch)
        #expect(!parameters.filter { !$0.stored.isTensor }.isEmpty, "the plan needs no matrix in memory")
        #expect(encoder.forward(batch).output.relativeDifference(from: hidden) < 1e-5)
        for (a, b) in zip(parameters, expected) {
            #expect(a.value.relativeDifference(from: b.value) < (dataType == .float16 ? 1e-3 : 8e-3), "\(a.name)")
        }
    }

    @Test("a converted copy has the names that go with its configuration: those of LTP become ELECTRA's")
    func renamed() throws {
        let original = Self.original("electra-ltp")
        var conversion = CheckpointConversion()
        try conversion.useNames(of: original.openConfiguration())
        _ = try conversion.convert(original, to: scratch("out"))
        let copy = ModelDirectory(scratch("out"))
        #expect(try JSONFile(copy.configuration, purpose: "the test").string("model_type") == "electra")
        let (before, after) = (try original.openWeights(), try copy.openWeights())
        #expect(
            Set(after.entries.map(\.name))
                == Set(before.entries.map { $0.name.replacing(/^backbone\./, with: "electra.") }))
        try expectSame(copy, as: "electra-ltp")
    }

    @Test("names stay as they are where two would become one, and where the architecture is not known")
    func ambiguousNames() throws {
        func names(_ type: String) throws -> Set<String> {
            let model = ModelDirectory(scratch(type))
            try scratch.write(
                #"{"model_type":"\#(type)","hidden_size":4,"num_attention_heads":1,"max_position_embeddings":9,"#
                    + #""vocab_size":9,"intermediate_size":4,"num_hidden_layers":1}"#, to: "\(type)/config.json")
            try SafeTensors.write(
                ["LayerNorm.weight", "LayerNorm.gamma"].map { ($0, .zeros([4])) },
                to: model.path.appending("model.safetensors"))
            var conversion = CheckpointConversion()
            try conversion.useNames(of: model.openConfiguration())
            #expect((conversion.rename("LayerNorm.beta") == "LayerNorm.bias") == (type == "bert"))
            _ = try conversion.convert(model, to: scratch("\(type)-out"))
            return Set(try ModelDirectory(scratch("\(type)-out")).openWeights().entries.map(\.name))
        }
        for type in ["bert", "gpt2"] { #expect(try names(type) == ["LayerNorm.weight", "LayerNorm.gamma"]) }
    }

    @Test("Google's BERT of TensorFlow 1 is an encoder")
    func tensorFlow() throws {
        let (encoder, parameters) = try load(ModelDirectory(Golden.directory("checkpoints/tf")), hasHead: false)
        let expected = try SafeTensors(Golden.directory("checkpoints/tf").appending("expected.safetensors"))
        #expect(encoder.architecture.hiddenSize == 4 && parameters.count == 5 + 16)
        for parameter in parameters { #expect(try parameter.value == expected.values(parameter.name)) }
    }
}
