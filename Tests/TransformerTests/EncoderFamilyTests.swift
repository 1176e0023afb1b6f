import Checkpoints
import JSON
import SystemPackage
import Tensors
import TestSupport
import Testing
import Transformer

/// What configurations say beside the goldens: what is refused, where dropout is, and other spellings.
@Suite("EncoderFamily")
struct EncoderFamilyTests {
    /// A member that makes a golden's configuration one of a model that does not run here.
    struct Refusal: CustomTestStringConvertible, Sendable {
        let golden, key: String
        let value: JSON
        var testDescription: String { "\(golden) with \(key)" }
    }

    private static func configuration(_ golden: String) throws -> JSONFile {
        try ModelDirectory(Golden.directory("families").appending(golden)).openConfiguration()
    }

    static let refusals = [
        Refusal(golden: "t5", key: "feed_forward_proj", value: .string("gated-maxout")),
        Refusal(golden: "t5", key: "relative_attention_num_buckets", value: .integer(7)),
        Refusal(golden: "t5", key: "relative_attention_max_distance", value: .integer(8)),
        Refusal(golden: "modernbert", key: "classifier_pooling", value: .string("max")),
        Refusal(golden: "modernbert", key: "layer_types", value: .array([.string("full_attention")])),
        Refusal(golden: "modernbert", key: "rope_scaling", value: .object(["rope_type": .string("yarn")])),
        Refusal(golden: "modernbert-4", key: "local_rope_theta", value: .null),
        Refusal(golden: "nomic", key: "prenorm", value: .bool(true)),
        Refusal(golden: "nomic", key: "rotary_emb_interleaved", value: .bool(true)),
        Refusal(golden: "nomic", key: "rotary_scaling_factor", value: .integer(2)),
        Refusal(golden: "nomic", key: "rotary_emb_fraction", value: .integer(0)),
        Refusal(golden: "nomic", key: "num_experts", value: .integer(8)),
        Refusal(golden: "nomic", key: "activation_function", value: .string("glu")),
        Refusal(golden: "nomic-5", key: "rope_parameters", value: .object(["rope_type": .string("dynamic")])),
        Refusal(golden: "nomic-5", key: "rope_scaling", value: .object(["rope_type": .string("yarn")])),
        Refusal(golden: "gte", key: "layer_norm_type", value: .string("rms_norm")),
        Refusal(golden: "gte", key: "logn_attention_scale", value: .bool(true)),
        Refusal(golden: "gte", key: "position_embedding_type", value: .string("absolute")),
        Refusal(
            golden: "gte", key: "rope_scaling", value: .object(["type": .string("linear"), "factor": .integer(2)])),
        Refusal(golden: "albert-zh", key: "ln_type", value: .string("preln")),
        Refusal(golden: "albert-zh", key: "share_type", value: .string("attention")),
        Refusal(golden: "jina", key: "feed_forward_type", value: .string("original")),
        Refusal(golden: "jina", key: "position_embedding_type", value: .string("relative_key")),
    ]

    @Test("what would change the computation is refused by its key", arguments: refusals)
    func refused(refusal: Refusal) throws {
        var file = try Self.configuration(refusal.golden)
        _ = try EncoderArchitecture(file)
        file.object[refusal.key] = refusal.value
        #expect {
            try EncoderArchitecture(file)
        } throws: { error in
            guard case CheckpointError.invalidValue(_, let key, _, _) = error else { return false }
            return key == refusal.key
        }
    }

    @Test("a configuration without model_type is albert_zh's where it has ln_type, and nobody's otherwise")
    func withoutType() throws {
        var file = try Self.configuration("albert-zh")
        #expect(file.object["model_type"] == nil)
        #expect(try EncoderArchitecture(file).embeddingProjection == .ofWords)
        file.object["ln_type"] = nil
        #expect {
            try EncoderArchitecture(file)
        } throws: { error in
            guard case CheckpointError.invalidValue(_, "model_type", nil, _) = error else { return false }
            return true
        }
        var typed = try Self.configuration("albert")
        typed.object["ln_type"] = .string("postln")
        #expect(try EncoderArchitecture(typed).embeddingProjection == .last, "a model_type counts")
    }

    @Test(
        "sizes that no model has are refused with the limit, before anything is made of them",
        arguments: [
            ("roberta", "num_hidden_layers", 100_000_000, "at most 10000"),
            ("roberta", "num_hidden_layers", 1_000_000_000_000, "at most 10000"),
            ("roberta", "hidden_size", 10_000_000_000, "at most 4294967296"),
            ("distilbert", "n_layers", 100_000_000, "at most 10000"),
            ("modernbert", "num_hidden_layers", 100_000_000, "at most 10000"),
            ("nomic", "n_layer", 100_000_000, "at most 10000"),
            ("t5", "num_layers", 100_000_000, "at most 10000"),
            ("albert", "inner_group_num", 100_000_000, "at most 10000"),
            ("albert", "inner_group_num", 10_000, "at most 10000 layers in all"),
        ])
    func tooLarge(golden: String, key: String, value: Int, expected: String) throws {
        var file = try Self.configuration(golden)
        file.object[key] = .integer(value)
        #expect(
            throws: CheckpointError.invalidValue(file.path, key: key, found: "\(value)", expected: expected)
        ) { try EncoderArchitecture(file) }
    }

    @Test("Nomic's rotary base may stand alone, and null is no head size")
    func nomicMembers() throws {
        var file = try Self.configuration("nomic-5")
        file.object["rope_parameters"] = nil
        file.object["rope_theta"] = .integer(50)
        guard case .rotary(50, _, _) = try EncoderArchitecture(file).relativePositions else { throw Errno.ioError }
        file.object["head_dim"] = .null
        file.object["num_attention_heads"] = .integer(2)
        #expect(try EncoderArchitecture(file).headSize * 2 == EncoderArchitecture(file).hiddenSize)
    }

    @Test("a head for masked words that is another than BERT's is not taken for it")
    func otherMaskedHeads() throws {
        #expect(try EncoderArchitecture(Self.configuration("gte-5")).maskedHead == nil)
        var file = try Self.configuration("deberta-v3")
        #expect(try EncoderArchitecture(file).maskedHead != nil)
        file.object["legacy"] = .bool(false)
        #expect(try EncoderArchitecture(file).maskedHead == nil)
    }

    @Test("the Jina variant that normalizes queries and keys is refused")
    func codeVariant() throws {
        var file = try Self.configuration("jina")
        file.object["auto_map"] = .object([
            "AutoModel": .string("jinaai/jina-bert-v2-qk-post-norm--modeling_bert.JinaBertModel")
        ])
        #expect {
            try EncoderArchitecture(file)
        } throws: { error in
            guard case CheckpointError.invalidValue(_, "auto_map", _, _) = error else { return false }
            return true
        }
    }

    @Test("dropout is where the references have it")
    func dropout() throws {
        func places(_ golden: String, _ members: [String: Double]) throws -> [Float] {
            var file = try Self.configuration(golden)
            for (key, value) in members { file.object[key] = .number(value) }
            let it = try EncoderArchitecture(file)
            return [
                it.hiddenDropoutProb, it.attentionProbsDropoutProb, it.attentionOutputDropout ?? it.hiddenDropoutProb,
                it.intermediateDropout, it.outputDropout ?? it.hiddenDropoutProb, it.head.dropout,
            ]
        }
        let modern = [
            "embedding_dropout": 0.1, "attention_dropout": 0.2, "mlp_dropout": 0.3, "classifier_dropout": 0.4,
        ]
        #expect(try places("modernbert", modern) == [0.1, 0.2, 0.2, 0.3, 0, 0.4])
        #expect(try places("nomic", ["resid_pdrop": 0.1, "attn_pdrop": 0.2]) == [0.1, 0.2, 0.1, 0, 0.1, 0.1])
        let hidden = ["hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.2]
        #expect(try places("gte", hidden) == [0.1, 0.2, 0.1, 0.1, 0.1, 0.1])
        #expect(try places("jina", hidden) == [0.1, 0.2, 0.1, 0.1, 0, 0.1])
    }

    @Test(
        "tensors without the encoder's prefix, or with another publisher's, load alike",
        arguments: [
            ("modernbert", "model.", [""]), ("nomic", "bert.", ["", "nomic_bert."]),
            ("nomic-5", "nomic_bert.", ["", "bert."]),
            ("electra-ltp", "backbone.", ["", "electra."]),
            ("gte", "new.", ["", "gte."]), ("gte-5", "gte.", ["", "new."]), ("jina", "bert.", [""]),
        ])
    func prefixes(golden: String, prefix: String, others: [String]) throws {
        let architecture = try EncoderArchitecture(Self.configuration(golden))
        let weights = try ModelDirectory(Golden.directory("families").appending(golden)).openWeights()
        func hidden(_ checkpoint: any TensorArchive) throws -> Tensor {
            let source = ParameterSource(
                checkpoint, spellings: architecture.spellings, random: RandomSource(seed: 0))
            let encoder = try TransformerEncoder(source.root, architecture)
            try source.checkAllUsed { architecture.isBufferOrPretrainingHead($0) || architecture.isHead($0) }
            return encoder.forward(TokenBatch([[3, 5, 7, 9, 11]])).output
        }
        let expected = try hidden(weights)
        let directory = try TemporaryDirectory()
        for other in others {
            let tensors = try weights.entries.map { entry in
                let name = entry.name
                return (
                    name: name.hasPrefix(prefix) ? other + name.dropFirst(prefix.count) : name,
                    value: try weights.tensor(entry)
                )
            }
            let path = directory("model.safetensors")
            try SafeTensors.write(tensors, to: path)
            #expect(try hidden(SafeTensors(path)) == expected, "\"\(other)\"")
        }
    }
}
