import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

@Suite("BERT against transformers")
struct GoldenParityTests {
    struct Sequence {
        let ids: [Int32]
        let types: [Int32]
    }

    static func sequences(_ expected: JSON) -> [Sequence] {
        (expected["sequences"]?.array ?? []).map { sequence in
            Sequence(
                ids: (sequence["inputIDs"]?.integers ?? []).map { Int32($0) },
                types: (sequence["tokenTypeIDs"]?.integers ?? []).map { Int32($0) })
        }
    }

    private func load(_ name: String) throws -> (TransformerEncoder, ParameterSource) {
        let directory = ModelDirectory(Golden.directory(name))
        let architecture = try EncoderArchitecture(JSONFile(directory.configuration, purpose: "the test"))
        let source = ParameterSource(
            try directory.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
        return (try TransformerEncoder(source.root, architecture), source)
    }

    @Test(
        "hidden states agree layer by layer, for each sequence alone and for all in one batch",
        arguments: ["tiny-bert-gelu", "tiny-bert-gelu-new", "tiny-bert-relu", "tiny-bert-silu"])
    func hiddenStates(name: String) throws {
        let (encoder, source) = try load(name)
        let directory = Golden.directory(name)
        let sequences = Self.sequences(try Golden.json(directory))
        let expected = try SafeTensors(directory.appending("expected.safetensors"))
        #expect(sequences.count == 5)
        var company = TokenBatch()
        for sequence in sequences { company.append(sequence.ids, tokenTypeIDs: sequence.types) }
        let together = encoder.forward(company).output
        let firsts = encoder.forward(company, firstOnly: true).output
        let frozen = InferencePlan(encoder, precision: .f32).encode(company)
        #expect(frozen.relativeDifference(from: together) < 1e-5, "the inference plan")
        let firstRows = together.gather(company.sequences.map { Int32($0.lowerBound) })
        #expect(firsts.relativeDifference(from: firstRows) < 1e-5, "the first tokens without the rest")
        for (index, sequence) in sequences.enumerated() {
            var batch = TokenBatch()
            batch.append(sequence.ids, tokenTypeIDs: sequence.types)
            var hidden = encoder.embeddings.forward(batch, training: nil).output
            for layer in 0...encoder.architecture.numHiddenLayers {
                if layer > 0 {
                    hidden = encoder.layers[layer - 1].forward(hidden, batch.sequences, training: nil).output
                }
                let golden = try expected.values("sequence.\(index).hidden.\(layer)")
                #expect(hidden.relativeDifference(from: golden) < 1e-5, "sequence \(index), layer \(layer)")
            }
            #expect(together.rows(company.sequences[index]).isSameRows(as: hidden), "the same in company")
            if let entry = expected["sequence.\(index).pooler"] {
                let head = try ClassificationHead(
                    source.root, new: ParameterSource(nil, random: RandomSource(seed: 0)).root, encoder.architecture,
                    labels: 2)
                let pooled = try #require(head.dense).forward(hidden.gather([0])).output.activated(.tanh)
                let golden = try expected.tensor(entry)
                #expect(pooled.reshaped(golden.shape).relativeDifference(from: golden) < 1e-5)
            }
        }
    }

    @Test("a checkpoint with the release's old names of LayerNorm loads")
    func oldNames() throws {
        let scratch = try TemporaryDirectory()
        let directory = ModelDirectory(Golden.directory("tiny-bert-gelu"))
        let weights = try directory.openWeights()
        let renamed = try weights.entries.map { entry in
            let name =
                "bert."
                + entry.name.replacing("LayerNorm.weight", with: "LayerNorm.gamma")
                .replacing("LayerNorm.bias", with: "LayerNorm.beta")
            return (name: name, value: try weights.tensor(entry))
        }
        try SafeTensors.write(renamed, to: scratch("model.safetensors"))
        let architecture = try EncoderArchitecture(JSONFile(directory.configuration, purpose: "the test"))
        let source = ParameterSource(
            try SafeTensors(scratch("model.safetensors")), spellings: architecture.spellings,
            random: RandomSource(seed: 0))
        let encoder = try TransformerEncoder(source.root, architecture)
        try source.checkAllUsed { $0.contains("pooler") }
        let batch = TokenBatch([[2, 30, 31, 3]])
        #expect(encoder.forward(batch).output == (try load("tiny-bert-gelu").0.forward(batch).output))
    }

    @Test("what config.json and the weights disagree about is refused")
    func disagreements() throws {
        let directory = ModelDirectory(Golden.directory("tiny-bert-gelu"))
        var file = try JSONFile(directory.configuration, purpose: "the test")
        func build(_ change: (inout JSONObject) -> Void) throws {
            var changed = file
            change(&changed.object)
            let architecture = try EncoderArchitecture(changed)
            let source = ParameterSource(
                try directory.openWeights(), spellings: architecture.spellings, random: RandomSource(seed: 0))
            _ = try TransformerEncoder(source.root, architecture)
            try source.checkAllUsed { $0.contains("pooler") }
        }
        let weights = directory.path.appending("model.safetensors")
        #expect(
            throws: CheckpointError.shapeMismatch(
                weights, name: "embeddings.word_embeddings.weight", found: [120, 32], expected: [130, 32])
        ) { try build { $0["vocab_size"] = .integer(130) } }
        #expect(
            throws: CheckpointError.missingTensor(weights, name: "bert.encoder.layer.2.attention.self.query.weight")
        ) { try build { $0["num_hidden_layers"] = .integer(3) } }
        #expect(throws: CheckpointError.self) { try build { $0["num_hidden_layers"] = .integer(1) } }
        #expect(
            throws: CheckpointError.unsupportedArchitecture(
                file.path, found: "gpt2", supported: EncoderArchitecture.modelTypes)
        ) { try build { $0["model_type"] = .string("gpt2") } }
        #expect(
            throws: CheckpointError.invalidValue(
                file.path, key: "hidden_size", found: "32", expected: "a multiple of num_attention_heads (5)")
        ) { try build { $0["num_attention_heads"] = .integer(5) } }
        file.object["hidden_size"] = nil
        #expect(
            throws: CheckpointError.invalidValue(
                file.path, key: "hidden_size", found: nil, expected: "a positive integer")
        ) { try build { _ in } }
    }
}
